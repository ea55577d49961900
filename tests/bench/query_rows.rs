//! One day of one warehouse, as rows of the four tables that `tests/bench/query` asks about.
//!
//! Statements are repeated with other literals: drivers and catalog look-ups, dashboards, loads. It is busier by day than by
//! night, durations are lognormal, and few tables are large.

use std::collections::HashMap;
use std::f64::consts::TAU;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use lookback_schemas::registry;
use lookback_schemas::time::{DAY, day_name, day_start};

pub(crate) const TABLES: [&str; 4] = ["stl_query", "stl_scan", "stl_alert_event_log", "stl_wlm_query"];

const SHAPES: u64 = 400;
const WAREHOUSE_TABLES: u64 = 120;
const NOUNS: [&str; 12] = [
    "orders",
    "customers",
    "sessions",
    "page_views",
    "payments",
    "shipments",
    "inventory",
    "returns",
    "campaigns",
    "prices",
    "suppliers",
    "subscriptions",
];
const KINDS: [&str; 10] =
    ["", "_daily", "_staging", "_history", "_snapshot", "_agg", "_dim", "_fact", "_archive", "_v2"];
const COLUMNS: [&str; 10] = [
    "net_amount",
    "customer_id",
    "created_at",
    "quantity",
    "region_code",
    "discount_percent",
    "currency",
    "updated_at",
    "session_id",
    "channel",
];
const CALLS: [&str; 6] =
    ["sum(a.?)", "a.?", "max(b.?)", "coalesce(b.?, 0)", "count(distinct a.?)", "date_trunc('day', a.?)"];
const ALERTS: [(&str, &str); 5] = [
    ("Missing query planner statistics", "Run the ANALYZE command"),
    ("Nested Loop Join in the query plan", "Review the join predicates to avoid Cartesian products"),
    ("Very selective query filter:ratio=rows(#)/rows_pre_user_filter(#)", "Review the choice of sort key"),
    ("Scanned a large number of deleted rows:deleted=#", "Run the VACUUM command to reclaim deleted space"),
    ("Distributed a large number of rows across the network:rows=#", "Review the choice of distribution key"),
];

pub(crate) fn cluster_name(cluster: usize) -> String {
    format!("warehouse-{:02}", cluster + 1)
}

/// The day `day` (since 1970-01-01) of a cluster: its queries number `first` to `until`.
pub(crate) struct ClusterDay {
    pub(crate) cluster: usize,
    pub(crate) day: i32,
    pub(crate) first: usize,
    pub(crate) until: usize,
}

/// `SplitMix64`: the same numbers wherever it runs.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn gauss(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (TAU * self.unit()).cos()
    }
}

struct Query {
    id: i64,
    shape: u64,
    userid: i64,
    pid: i64,
    start: i64,
    queued: i64,
    end: i64,
    text: String,
    random: Random,
}

/// Columns by name; what is not named is the same in every row.
#[derive(Default)]
struct Rows {
    numbers: HashMap<&'static str, Vec<i64>>,
    texts: HashMap<&'static str, Vec<String>>,
    order: Vec<i64>,
}

impl Rows {
    fn number(&mut self, name: &'static str, value: i64) {
        self.numbers.entry(name).or_default().push(value);
    }

    fn text(&mut self, name: &'static str, value: impl Into<String>) {
        self.texts.entry(name).or_default().push(value.into());
    }

    /// The rows as a cluster shows them: in the order in which they ended.
    fn batch(mut self, table: &str) -> RecordBatch {
        let spec = registry().table(table).unwrap();
        let mut sorted: Vec<usize> = (0..self.order.len()).collect();
        sorted.sort_by_key(|&row| self.order[row]);
        let columns = spec.columns.iter().map(|column| {
            let data_type = column.lake_type().unwrap().arrow();
            let name = column.name.as_str();
            let array: ArrayRef = match &data_type {
                DataType::Utf8 => match self.texts.remove(name) {
                    Some(texts) => Arc::new(StringArray::from_iter_values(sorted.iter().map(|&row| &texts[row]))),
                    None => Arc::new(StringArray::from_iter_values(sorted.iter().map(|_| "f"))),
                },
                other => {
                    let numbers = self.numbers.remove(name).unwrap_or_else(|| vec![0; sorted.len()]);
                    let numbers = sorted.iter().map(|&row| numbers[row]);
                    match other {
                        DataType::Timestamp(..) => {
                            Arc::new(TimestampMicrosecondArray::from_iter_values(numbers).with_timezone("UTC"))
                        }
                        _ => Arc::new(Int64Array::from_iter_values(numbers)),
                    }
                }
            };
            (Field::new(name, data_type, true), array)
        });
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.unzip();
        assert!(self.numbers.is_empty() && self.texts.is_empty(), "{table} lacks a column");
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    }
}

impl ClusterDay {
    /// The rows of each of [`TABLES`].
    pub(crate) fn rows(&self) -> [RecordBatch; 4] {
        let mut tables: [Rows; 4] = Default::default();
        for number in self.first..self.until {
            let mut query = self.query(number);
            add_query(&mut tables[0], &query);
            // The shapes that do not scan are frequent ones; the others make five to eleven steps, some 4.4 for each query of the fleet.
            let scans = if query.shape < SHAPES / 5 { 0 } else { 5 + query.random.below(7) };
            for step in 0..scans {
                add_scan(&mut tables[1], &mut query, step, scans);
            }
            if query.shape % 16 == 5 {
                add_alert(&mut tables[2], &mut query);
            }
            add_wlm(&mut tables[3], &query);
        }
        let [first, second, third, fourth] = tables;
        [first.batch(TABLES[0]), second.batch(TABLES[1]), third.batch(TABLES[2]), fourth.batch(TABLES[3])]
    }

    fn query(&self, number: usize) -> Query {
        let mut random = Random(((self.cluster as u64) << 40) ^ number as u64);
        let at = (number - self.first) as f64 / (self.until - self.first) as f64;
        // Most of the day's work is around its middle.
        let at = (at - 0.12 * (TAU * at).sin()).clamp(0.0, 0.999);
        let start = day_start(self.day) + (at * DAY as f64) as i64 + random.below(1_000_000) as i64;
        let shape = (random.unit().powi(2) * SHAPES as f64) as u64;
        let log_ms = if shape < SHAPES / 5 { 1.5 } else { 6.0 + (shape % 7) as f64 * 0.5 };
        let runs = (1_000.0 * (log_ms + 0.9 * random.gauss()).exp()) as i64;
        let queued = if random.below(20) == 0 { (runs as f64 * random.unit()) as i64 } else { 0 };
        let last = day_start(self.day) + DAY - 1 - random.below(1_000_000) as i64;
        let end = (start + queued + runs).min(last).max(start.min(last));
        let text = self.statement(shape, &mut random);
        Query {
            id: 1_000_000 + number as i64,
            shape,
            userid: 100 + (shape * 7 % 41) as i64,
            pid: 1_073_742_000 + random.below(600) as i64,
            start: start.min(end),
            queued: queued.min(end - start.min(end)),
            end,
            text,
            random,
        }
    }

    fn statement(&self, shape: u64, random: &mut Random) -> String {
        let number = random.below(100_000);
        if shape < SHAPES / 5 {
            return match shape % 3 {
                0 => "select 1".to_owned(),
                1 => format!(
                    "select oid, nspname, relname from pg_catalog.pg_class_info where reloid = {number} and relkind = 'r'"
                ),
                _ => format!("show search_path /* session {number} */"),
            };
        }
        let loads = shape > SHAPES * 3 / 4;
        let items = if loads { 24 + shape % 50 } else { 6 + shape % 15 };
        let mut text = String::with_capacity(2_000);
        if loads {
            text += &format!("insert into reporting.result_{shape} ");
        }
        text += "select ";
        for item in 0..items {
            let call = CALLS[((item * 5 + shape) % 6) as usize];
            let column = COLUMNS[((item * item + shape * 3) % 10) as usize];
            text += &format!("{}{} as c{item}", if item == 0 { "" } else { ", " }, call.replace('?', column));
        }
        let day = day_name(self.day - 1 - (number % 3) as i32);
        text += &format!(
            " from public.{} a join public.{} b on a.customer_id = b.customer_id where a.created_at >= '{day}' \
             and b.region_code in ('eu', 'us') and a.campaign_id = {number} group by {items} order by 1",
            table_name(shape * 7),
            table_name(shape * 7 + 13)
        );
        if shape.is_multiple_of(4) {
            text += &format!(" limit 1000 /* dashboard {}, panel {shape} */", number % 500);
        }
        text
    }
}

fn table_name(number: u64) -> String {
    let number = number % WAREHOUSE_TABLES;
    format!("{}{}", NOUNS[(number % 12) as usize], KINDS[(number / 12) as usize])
}

fn add_query(rows: &mut Rows, query: &Query) {
    rows.order.push(query.end);
    rows.number("userid", query.userid);
    rows.number("query", query.id);
    rows.text("label", if query.shape.is_multiple_of(5) { "metrics" } else { "default" });
    rows.number("xid", query.id * 3);
    rows.number("pid", query.pid);
    rows.text("database", if query.userid < 125 { "analytics" } else { "dev" });
    rows.text("querytxt", query.text.as_str());
    rows.number("starttime", query.start);
    rows.number("endtime", query.end);
    rows.number("aborted", i64::from(query.id % 67 == 0));
    rows.number("insert_pristine", 0);
    rows.number("concurrency_scaling_status", i64::from(query.id % 97 == 0));
}

fn add_scan(rows: &mut Rows, query: &mut Query, step: u64, steps: u64) {
    let table = (query.shape * 7 + step * 13) % WAREHOUSE_TABLES;
    let internal = step % 4 == 3;
    // A twelfth of the tables has nearly all the rows.
    let size = 10_f64.powf(3.0 + 5.0 * (table as f64 / WAREHOUSE_TABLES as f64).powi(3));
    let before = (size * (0.5 + query.random.unit())) as i64;
    let after = (before as f64 * query.random.unit().powi(3)) as i64;
    let span = query.end - query.start;
    let began = query.start + span * step as i64 / steps as i64;
    let ended = began + (span as f64 / steps as f64 * query.random.unit()) as i64;
    rows.order.push(ended);
    rows.number("userid", query.userid);
    rows.number("query", query.id);
    rows.number("slice", (step % 4) as i64);
    rows.number("segment", step as i64);
    rows.number("step", i64::from(internal));
    rows.number("starttime", began);
    rows.number("endtime", ended);
    rows.number("tasknum", 8 + step as i64 * 4);
    rows.number("rows", after);
    rows.number("bytes", after * (12 + (table as i64 * 31) % 180));
    rows.number("type", if internal { 19 } else { 2 });
    rows.number("tbl", if internal { 0 } else { 100_000 + table as i64 * 7 });
    rows.text("is_rrscan", if step.is_multiple_of(3) { "t" } else { "f" });
    rows.number("rows_pre_filter", before);
    rows.number("rows_pre_user_filter", before - before / 100);
    rows.text("perm_table_name", if internal { "Internal Worktable".to_owned() } else { table_name(table) });
    rows.number("consumed_scan_ranges", before / 1_000_000);
    rows.number("topology_signature", 7_203_685_477_580);
}

fn add_alert(rows: &mut Rows, query: &mut Query) {
    let (event, solution) = ALERTS[(query.random.unit().powi(2) * ALERTS.len() as f64) as usize];
    rows.order.push(query.end);
    rows.number("userid", query.userid);
    rows.number("query", query.id);
    rows.number("slice", query.random.below(4) as i64);
    rows.number("segment", 1);
    rows.number("step", 2);
    rows.number("pid", query.pid);
    rows.number("xid", query.id * 3);
    rows.text("event", event.replace('#', &query.random.below(1_000_000).to_string()));
    rows.text("solution", solution);
    rows.number("event_time", query.end);
}

fn add_wlm(rows: &mut Rows, query: &Query) {
    let began = query.start + query.queued;
    rows.order.push(query.end);
    rows.number("userid", query.userid);
    rows.number("xid", query.id * 3);
    rows.number("task", query.id + 17);
    rows.number("query", query.id);
    rows.number("service_class", 100 + (query.shape % 5) as i64);
    rows.number("slot_count", 1);
    rows.number("service_class_start_time", query.start);
    rows.number("queue_start_time", query.start);
    rows.number("queue_end_time", began);
    rows.number("total_queue_time", query.queued);
    rows.number("exec_start_time", began);
    rows.number("exec_end_time", query.end);
    rows.number("total_exec_time", query.end - began);
    rows.number("service_class_end_time", query.end);
    rows.text("final_state", "Completed");
    rows.number("est_peak_mem", 1 << (20 + query.shape % 10));
    rows.text("query_priority", "Normal");
    rows.text("service_class_name", format!("queue {}", query.shape % 5));
}
