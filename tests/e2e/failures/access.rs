//! What the export user may see, and what others may see of it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use lookback_exporter::ErrorKind;
use lookback_exporter::source::{Endpoint, RedshiftSource, TlsMode};
use lookback_exporter::{ClusterJob, Report};
use lookback_schemas::time::MINUTE;
use lookback_simulator::{Access, Cluster, Fault, ServeOptions, Server, Tls};

use super::{assert_done, failures, kinds, ledger};
use crate::support::rows::{quick, serve};
use crate::support::world::{NOON, World, endpoint, job, specs};

const SECRET: &str = "Tr0ub4dor-and-3-staples";

fn cluster() -> Cluster {
    let cluster = Cluster::empty("c", NOON);
    cluster.insert("stl_query", (1..=10).map(|id| quick(id, NOON - 20 * MINUTE + id)).collect());
    cluster
}

/// The naive tool exports what it is shown: an archive of its own queries, and no error.
#[tokio::test]
async fn f11_a_user_that_sees_only_its_own_rows_is_refused() {
    for access in [Access::OwnRows { userid: 101 }, Access::NoSelect] {
        let world = World::new();
        let cluster = cluster();
        cluster.set_user("lookback", "lookback", access);
        let server = serve(&cluster).await;
        let jobs = [job("c", &server, &["core"])];
        let report = world.export(&jobs).await;
        assert_eq!(report.exit_code(), 1);
        assert_eq!(kinds(&report), [("", ErrorKind::Privilege)], "{access:?}");
        let advice = report.failures().next().unwrap().1.advice().unwrap();
        assert!(advice.contains("SYSLOG ACCESS UNRESTRICTED"), "{advice}");
        assert!(world.rows("stl_query").await.is_empty());
        assert!(world.exporter().await.list_watermarks().await.unwrap().is_empty());

        // Once the privilege is there, everything is.
        cluster.set_user("lookback", "lookback", Access::Unrestricted);
        assert_done(&world.export(&jobs).await);
        world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
    }
}

/// A privilege that is taken away later must stop the export, not thin it out.
#[tokio::test]
async fn f11_a_privilege_that_is_revoked_stops_the_export() {
    let world = World::new();
    let cluster = cluster();
    let server = serve(&cluster).await;
    let jobs = [job("c", &server, &["stl_query"])];
    assert_done(&world.export(&jobs).await);
    let before = world.exporter().await.watermark("c", "stl_query").await.unwrap();
    cluster.set_user("lookback", "lookback", Access::OwnRows { userid: 101 });
    world.at(&cluster, NOON + 60 * MINUTE);
    cluster.insert("stl_query", vec![quick(50, NOON + 10 * MINUTE)]);
    assert_eq!(kinds(&world.export(&jobs).await), [("", ErrorKind::Privilege)]);
    assert_eq!(world.exporter().await.watermark("c", "stl_query").await.unwrap(), before);
    assert_eq!(kinds(&world.sweep(&jobs).await), [("", ErrorKind::Privilege)]);
    cluster.set_user("lookback", "lookback", Access::SysMonitor);
    assert_done(&world.export(&jobs).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

#[tokio::test]
async fn f11_users_that_see_everything_are_accepted() {
    for access in [Access::Superuser, Access::Unrestricted, Access::SysMonitor] {
        let world = World::new();
        let cluster = cluster();
        cluster.set_user("lookback", "lookback", access);
        let server = serve(&cluster).await;
        assert_done(&world.export(&[job("c", &server, &["stl_query"])]).await);
        world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
    }
}

async fn serve_with(cluster: &Cluster, tls: Tls) -> Server {
    cluster.serve(ServeOptions { tls, ..ServeOptions::default() }).await.unwrap()
}

fn job_with(server: &Server, tls: TlsMode, password: &str) -> ClusterJob {
    let at = Endpoint { tls, password: Some(password.to_owned().into()), ..endpoint("c", server.addr()) };
    ClusterJob { name: "c".to_owned(), source: Arc::new(RedshiftSource::new(at)), tables: specs(&["stl_query"]) }
}

/// The naive tool connects without TLS. Here it is the default, and it is verified.
#[tokio::test]
async fn f16_tls_is_verified_unless_plaintext_is_asked_for_by_name() {
    assert_eq!(TlsMode::default(), TlsMode::Verify);
    let world = World::new();
    let cluster = cluster();
    let refused = async |server: &Server, tls: TlsMode| {
        let report = world.export(&[job_with(server, tls, "lookback")]).await;
        assert_eq!(report.exit_code(), 1);
        assert_eq!(kinds(&report), [("", ErrorKind::Tls)], "{:?}", failures(&report));
        assert!(report.failures().next().unwrap().1.advice().is_some());
        assert!(world.rows("stl_query").await.is_empty());
    };
    let offered = serve_with(&cluster, Tls::Offered).await;
    refused(&offered, TlsMode::Verify).await;
    let off = serve_with(&cluster, Tls::Off).await;
    refused(&off, TlsMode::Verify).await;
    let required = serve_with(&cluster, Tls::Required).await;
    refused(&required, TlsMode::Plaintext).await;

    let ca = world.folder.path().join("ca.pem");
    std::fs::write(&ca, required.ca_pem().unwrap()).unwrap();
    refused(&off, TlsMode::VerifyWith(ca.clone())).await;
    assert_done(&world.export(&[job_with(&required, TlsMode::VerifyWith(ca), "lookback")]).await);
    world.assert_equals_truth(&cluster, "c", &["stl_query"]).await;
}

/// Everything that is logged while the guard lives, as one text.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// All that a report says to anybody.
fn said(report: &Report) -> String {
    let advice = report.failures().filter_map(|(_, e)| e.advice()).collect::<Vec<_>>().join("\n");
    format!("{report:?}\n{:?}\n{advice}", failures(report))
}

/// The naive tool passes passwords in job arguments and SQL text, where logs keep them.
#[tokio::test]
async fn f16_passwords_are_in_no_error_and_no_log() {
    let world = World::new();
    let cluster = cluster();
    cluster.set_user("lookback", SECRET, Access::Unrestricted);
    let server = serve(&cluster).await;
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    // Tasks of this test run on this thread.
    let guard = tracing::subscriber::set_default(subscriber);
    let wrong = format!("{SECRET}-wrong");
    let report = world.export(&[job_with(&server, TlsMode::Plaintext, &wrong)]).await;
    assert_eq!(kinds(&report), [("", ErrorKind::Auth)]);
    let mut texts = vec![said(&report)];
    cluster.fault(Fault::Sha256Auth.once());
    let report = world.export(&[job_with(&server, TlsMode::Plaintext, SECRET)]).await;
    assert_eq!(kinds(&report), [("", ErrorKind::Auth)]);
    texts.push(said(&report));
    cluster.fault(Fault::Refuse.times(9));
    texts.push(said(&world.export(&[job_with(&server, TlsMode::Plaintext, SECRET)]).await));
    cluster.clear_faults();
    assert_done(&world.export(&[job_with(&server, TlsMode::Plaintext, SECRET)]).await);
    texts.push(format!("{:?}", Endpoint { password: Some(SECRET.into()), ..endpoint("c", server.addr()) }));
    drop(guard);
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("without TLS"), "the log was captured: {log}");
    texts.push(log);
    texts.extend(ledger(&world).await.iter().map(|row| format!("{row:?}")));
    for text in texts {
        assert!(!text.contains(SECRET), "{text}");
    }
}
