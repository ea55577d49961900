//! `live.<table>` and `all.<table>` over real reads of a cluster: compared with a model of multisets, while exports, purges and late
//! rows come in between, also between the moment that history is pinned and the moment that the cluster is read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use lookback_exporter::ClusterJob;
use lookback_exporter::live::{Ask, Reader, memory};
use lookback_exporter::run::TableOutcome;
use lookback_exporter::source::Window;
use lookback_query::live::{Live, Read, Rows};
use lookback_query::{ErrorKind, Limits, QueryError, Session};
use lookback_schemas::TableSpec;
use lookback_schemas::time::{DAY, MINUTE, SECOND, rfc3339};
use lookback_simulator::{Cluster, Row, ServeOptions, Server, Tls};
use proptest::prelude::*;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::support::world::{NOON, World, job};

const TABLES: [&str; 2] = ["stl_query", "stl_querytext"];

/// Something that happens.
#[derive(Debug, Clone)]
enum Op {
    /// Rows appear, now or so many minutes later; those of one number are the same row.
    Insert { number: i64, times: i64, late: i64 },
    /// An export, and the sweeps that are due.
    Export { sweep: bool },
    /// The clock goes on.
    Minutes(i64),
    /// The cluster forgets what is older than so many minutes.
    Purge { minutes: i64 },
}

/// When a query ended: one of them long ago, one of them ahead of the clock.
fn end(number: i64) -> i64 {
    match number {
        7 => NOON - 20 * DAY,
        other => NOON + 30 * MINUTE - other * 37 * MINUTE,
    }
}

/// How often each query is there.
type Counts = BTreeMap<i64, i64>;

/// A cluster, the lake that it is exported into, and what the cluster shows by rights.
struct Scene {
    world: World,
    cluster: Cluster,
    _server: Server,
    job: ClusterJob,
    // Number, and when the row can be seen.
    inserted: Mutex<Vec<(i64, i64)>>,
    purged: Mutex<i64>,
}

impl Scene {
    async fn new() -> Arc<Self> {
        let world = World::new();
        let cluster = Cluster::empty("etl", NOON);
        let server = cluster.serve(ServeOptions { tls: Tls::Off, ..ServeOptions::default() }).await.unwrap();
        let job = job("etl", &server, &TABLES);
        let (inserted, purged) = (Mutex::default(), Mutex::new(i64::MIN));
        Arc::new(Self { world, cluster, _server: server, job, inserted, purged })
    }

    async fn happen(&self, op: &Op) {
        match *op {
            Op::Insert { number, times, late } => {
                let visible = self.cluster.now() + late * MINUTE;
                for _ in 0..times {
                    self.cluster.insert("stl_query", vec![query(number, visible)]);
                    self.cluster.insert("stl_querytext", (0..2).map(|part| text(number, part, visible)).collect());
                    self.inserted.lock().unwrap().push((number, visible));
                }
            }
            Op::Export { sweep } => {
                let jobs = [self.job.clone()];
                let report = self.world.export(&jobs).await;
                assert!(!report.tables.iter().any(|t| matches!(t.outcome, TableOutcome::Failed(_))), "{report:?}");
                if sweep {
                    self.world.sweep(&jobs).await;
                }
            }
            Op::Minutes(minutes) => {
                let now = self.cluster.now() + minutes * MINUTE;
                self.world.at(&self.cluster, now);
            }
            Op::Purge { minutes } => {
                let before = self.cluster.now() - minutes * MINUTE;
                self.cluster.purge_before(before);
                let mut purged = self.purged.lock().unwrap();
                *purged = before.max(*purged);
            }
        }
    }

    /// What the cluster shows now, of what ended at or after a moment.
    fn shown(&self, since: i64) -> Counts {
        let (now, purged) = (self.cluster.now(), *self.purged.lock().unwrap());
        let mut counts = Counts::new();
        for (number, visible) in self.inserted.lock().unwrap().iter() {
            if *visible <= now && end(*number) >= purged.max(since) {
                *counts.entry(*number).or_default() += 1;
            }
        }
        counts
    }

    fn session(self: &Arc<Self>, session: &Session, between: &[Op]) -> Session {
        let between = Mutex::new(between.to_vec());
        session.with_live(Arc::new(Injected { scene: Arc::clone(self), between }))
    }
}

fn query(number: i64, visible: i64) -> Row {
    Row::new(visible)
        .with("userid", 100)
        .with("query", number)
        .with("querytxt", format!("select {number}"))
        .at("starttime", end(number) - SECOND)
        .at("endtime", end(number))
}

fn text(number: i64, part: i64, visible: i64) -> Row {
    Row::new(visible).with("query", number).with("sequence", part).with("text", format!("select {number}"))
}

/// A way to the cluster on which something happens first: history is pinned by then.
struct Injected {
    scene: Arc<Scene>,
    between: Mutex<Vec<Op>>,
}

impl std::fmt::Debug for Injected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Injected")
    }
}

#[async_trait]
impl Live for Injected {
    async fn clusters(&self) -> Result<Vec<String>, QueryError> {
        Ok(vec!["etl".to_owned()])
    }

    fn read(&self, read: Read) -> Rows {
        let (scene, between) = (Arc::clone(&self.scene), std::mem::take(&mut *self.between.lock().unwrap()));
        let begin = async move {
            let waiting = Handle::current();
            stream::iter(
                tokio::task::spawn_blocking(move || waiting.block_on(whole(&scene, &between, read))).await.unwrap(),
            )
        };
        stream::once(begin).flatten().boxed()
    }

    fn at_once(&self) -> usize {
        1
    }

    fn memory(&self, table: &TableSpec) -> usize {
        memory(table)
    }
}

/// What happens first, and then all rows of the cluster.
async fn whole(scene: &Scene, between: &[Op], read: Read) -> Vec<Result<RecordBatch, QueryError>> {
    for op in between {
        scene.happen(op).await;
    }
    let reader = Reader::new(scene.world.lake().await);
    let ask = Ask {
        spec: read.table,
        columns: read.columns,
        window: Window { from: read.from, to: read.to },
        cluster_ids: read.cluster_ids,
        beside: read.beside,
        max_rows: 1_000,
    };
    let (give, mut rows) = mpsc::channel(1);
    let source = Arc::clone(&scene.job.source);
    let reading = async move { reader.read("etl", source.as_ref(), &ask, &give).await };
    let taking = async {
        let mut taken = Vec::new();
        while let Some(batch) = rows.recv().await {
            taken.push(Ok(batch));
        }
        taken
    };
    let (ended, mut taken) = tokio::join!(reading, taking);
    if let Err(stopped) = ended {
        taken.push(Err(QueryError::new(ErrorKind::Read, format!("{stopped:?}"))));
    }
    taken
}

/// How often each query is in a table, of rows that pass a filter.
async fn counted(session: &Session, from: &str) -> Counts {
    let sql = format!("SELECT query, count(*) FROM {from} GROUP BY query");
    let batches = session.query(&sql).await.unwrap().collect().await.unwrap();
    let pairs = batches.iter().flat_map(|batch| {
        let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().values().to_vec();
        column(0).into_iter().zip(column(1))
    });
    pairs.collect()
}

/// Each as often as in the one that has it more often.
fn both(history: &Counts, live: &Counts, rows_each: i64) -> Counts {
    let mut all = history.clone();
    for (number, count) in live {
        let known = all.entry(*number).or_default();
        *known = (*known).max(count * rows_each);
    }
    all
}

/// Asks all four tables, with things that happen once history is pinned, and compares with the model.
async fn check(scene: &Arc<Scene>, between: &[Op], since: Option<i64>) {
    let limits = Limits { target_partitions: 2, ..Limits::default() };
    let session = Session::open(scene.world.lake_path().to_str().unwrap(), limits).await.unwrap();
    let moment = since.unwrap_or(i64::MIN);
    let of = |table: &str, time: &str| match since {
        Some(since) => format!("{table} WHERE {time} >= '{}'", rfc3339(since).trim_end_matches('Z').replace('T', " ")),
        None => table.to_owned(),
    };
    // History as it is pinned; nothing is committed before the read begins.
    let history = counted(&session, &of("stl_query", "endtime")).await;
    let all = counted(&scene.session(&session, between), &of("all.stl_query", "endtime")).await;
    assert_eq!(all, both(&history, &scene.shown(moment), 1), "history {history:?}, then {between:?}");
    let live = counted(&scene.session(&session, &[]), &of("live.stl_query", "endtime")).await;
    assert_eq!(live, scene.shown(moment));
    // Children, each of them two fragments.
    let history = counted(&session, &of("stl_querytext", "log_time")).await;
    let all = counted(&scene.session(&session, between), &of("all.stl_querytext", "log_time")).await;
    assert_eq!(all, both(&history, &scene.shown(moment), 2), "texts: history {history:?}, then {between:?}");
    let live = counted(&scene.session(&session, &[]), &of("live.stl_querytext", "log_time")).await;
    assert_eq!(live, both(&Counts::new(), &scene.shown(moment), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_between_history_and_the_cluster_loses_and_doubles_nothing() {
    let scene = Scene::new().await;
    for number in [1, 2, 2, 3, 7] {
        scene.happen(&Op::Insert { number, times: 1, late: 0 }).await;
    }
    scene.happen(&Op::Export { sweep: false }).await;
    // New, late, and one more of what is there already; then they are exported while somebody asks.
    let new = [
        Op::Insert { number: 0, times: 2, late: 0 },
        Op::Insert { number: 2, times: 1, late: 0 },
        Op::Insert { number: 5, times: 1, late: 0 },
        Op::Minutes(45),
    ];
    for op in &new {
        scene.happen(op).await;
    }
    check(&scene, &[Op::Export { sweep: false }], None).await;
    // A row that surfaces in between; one that nobody exported; what the cluster forgets stays in history.
    check(&scene, &[Op::Insert { number: 4, times: 1, late: 0 }, Op::Export { sweep: false }], None).await;
    scene.happen(&Op::Purge { minutes: 100 }).await;
    check(&scene, &[], Some(NOON - 90 * MINUTE)).await;
    let session = Session::open(scene.world.lake_path().to_str().unwrap(), Limits::default()).await.unwrap();
    let all = counted(&scene.session(&session, &[]), "all.stl_query").await;
    // What surfaced late and was purged before a sweep, 4 and 5, nobody can have.
    assert_eq!(all, BTreeMap::from([(0, 2), (1, 1), (2, 3), (3, 1), (7, 1)]));
}

fn ops() -> impl Strategy<Value = Op> {
    let late = prop_oneof![3 => Just(0), 1 => 1..120_i64];
    prop_oneof![
        5 => (0..8_i64, 1..3_i64, late).prop_map(|(number, times, late)| Op::Insert { number, times, late }),
        2 => any::<bool>().prop_map(|sweep| Op::Export { sweep }),
        2 => (1..90_i64).prop_map(Op::Minutes),
        1 => (60..400_i64).prop_map(|minutes| Op::Purge { minutes }),
    ]
}

fn between() -> impl Strategy<Value = Vec<Op>> {
    let kept =
        ops().prop_filter("history that was never exported may be forgotten", |op| !matches!(op, Op::Purge { .. }));
    prop::collection::vec(kept, 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn all_is_history_and_the_cluster_whatever_happens(
        story in prop::collection::vec((prop::collection::vec(ops(), 1..5), between(), prop::option::of(0..8_i64)), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let scene = Scene::new().await;
            scene.happen(&Op::Export { sweep: false }).await;
            for (before, between, since) in story {
                for op in &before {
                    scene.happen(op).await;
                }
                check(&scene, &between, since.map(end)).await;
            }
        });
    }
}
