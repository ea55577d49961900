//! Clusters that cannot be exported: what the user is told, and that nothing else suffers.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use lookback_schemas::time::DAY;
use lookback_simulator::{Access, Fault, Tls};

use crate::support::{Place, Sim, now, query, section};

const FIVE: [i64; 5] = [1, 2, 3, 4, 5];

/// Covered tables of a cluster, as `status` tells.
async fn covered(place: &Place, cluster: &str) -> usize {
    let status = place.run(&["status", "--format", "json"]).await.expect(0).json();
    let rows = status.as_array().unwrap().iter();
    rows.filter(|r| r["cluster_id"].as_str().unwrap().starts_with(cluster) && !r["covered_until"].is_null()).count()
}

/// A cluster `bad` that fails and a cluster `good` in one configuration: `good` is exported, nothing of `bad` is.
async fn only_good(place: &Place, args: &[&str]) -> crate::support::Ran {
    let ran = place.run(args).await.expect(1);
    assert_eq!(place.queries("good").await, FIVE, "the other cluster must be exported");
    assert_eq!(place.queries("bad").await, [0_i64; 0]);
    assert_eq!(covered(place, "bad").await, 0, "nothing of it is covered");
    ran
}

#[tokio::test]
async fn a_wrong_password_names_the_cluster_and_what_to_check() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    bad.cluster.set_user("lookback", "another-one", Access::Unrestricted);
    let place = Place::with(&[&bad.section(), &good.section()]);
    let ran = only_good(&place, &["export", "--once"]).await;
    assert!(!ran.stderr.contains("another-one") && !ran.stdout.contains("another-one"));
    let errors: Vec<&str> = ran.stderr.lines().filter(|l| !l.contains("WARN")).collect();
    insta::assert_snapshot!(place.steady(&errors.join("\n")), @r#"
    lookback: connecting to cluster 'bad' at 127.0.0.1:<port>: password authentication failed for user "lookback" (SQLSTATE 28P01)
              check the cluster's user and password
    "#);
    // Once it is right, everything comes.
    bad.cluster.set_user("lookback", "lookback", Access::Unrestricted);
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("bad").await, FIVE);
}

#[tokio::test]
async fn a_missing_password_says_how_to_give_one() {
    let bad = Sim::start("bad").await;
    let place = Place::with(&[&bad.section_with("tls = \"plaintext\"\n")]);
    place.run(&["export"]).await.expect(1).says(&["cluster 'bad'", "`password_env` or `password_file`"]);
}

#[tokio::test]
async fn a_closed_port_stops_only_its_own_cluster() {
    let good = Sim::start("good").await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = section("bad", port, "password_env = \"PW\"\ntls = \"plaintext\"\n");
    let place = Place::with(&[&closed, &good.section()]);
    let ran = only_good(&place, &["export"]).await;
    let errors: Vec<&str> = ran.stderr.lines().filter(|l| !l.contains("WARN")).collect();
    insta::assert_snapshot!(place.steady(&errors.join("\n")), @r"
    lookback: connecting to cluster 'bad' at 127.0.0.1:<port>: Connection refused (os error 111)
              check host, port and security group, and that the cluster is available
    ");
}

#[tokio::test]
async fn an_unknown_host_stops_only_its_own_cluster() {
    let good = Sim::start("good").await;
    let nowhere = "[clusters.bad]\nhost = \"no-such-host.invalid\"\nuser = \"u\"\n";
    let place = Place::with_export("retries = 0", &[nowhere, &good.section()]);
    only_good(&place, &["export"]).await.says(&["cluster 'bad' at no-such-host.invalid:5439", "check host, port"]);
}

#[tokio::test]
async fn a_server_that_only_speaks_plaintext_is_refused() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    let place = Place::with(&[&bad.section_with("password_env = \"PW\"\n"), &good.section()]);
    let ran = only_good(&place, &["export"]).await;
    let errors: Vec<&str> = ran.stderr.lines().filter(|l| !l.contains("WARN")).collect();
    insta::assert_snapshot!(place.steady(&errors.join("\n")), @r#"
    lookback: connecting to cluster 'bad' at 127.0.0.1:<port>: error performing TLS handshake: server does not support TLS
              the server offers no TLS; turn it on there, or accept readable passwords with `tls = "plaintext"` for this cluster
    "#);
}

#[tokio::test]
async fn plaintext_is_warned_about() {
    let good = Sim::start("good").await;
    let place = Place::with(&[&good.section()]);
    place.run(&["export"]).await.expect(0).says(&["WARN", "without TLS, as configured", "good"]);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_until_ca_file_names_it() {
    let bad = Sim::start_with("bad", Tls::Required).await;
    let good = Sim::start("good").await;
    let place = Place::with(&[&bad.section_with("password_env = \"PW\"\n"), &good.section()]);
    only_good(&place, &["export"]).await.says(&["cluster 'bad'", "certificate", "`ca_file`"]);

    place.write("ca.pem", &bad.server.ca_pem().unwrap());
    let trusted = bad.section_with("password_env = \"PW\"\nca_file = \"ca.pem\"\n");
    place.configure("", &[&trusted, &good.section()]);
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("bad").await, FIVE);
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_named() {
    let bad = Sim::start_with("bad", Tls::Required).await;
    for (text, says) in [(None, "No such file"), (Some("not a certificate"), "no certificate in it")] {
        let place = Place::with(&[&bad.section_with("password_env = \"PW\"\nca_file = \"ca.pem\"\n")]);
        if let Some(text) = text {
            place.write("ca.pem", text);
        }
        let ran = place.run(&["export"]).await;
        assert!(matches!(ran.code, Some(1 | 2)), "{ran:?}");
        ran.says(&["ca.pem", says]);
    }
}

#[tokio::test]
async fn a_server_that_requires_tls_refuses_plaintext() {
    let bad = Sim::start_with("bad", Tls::Required).await;
    let good = Sim::start("good").await;
    let place = Place::with(&[&bad.section(), &good.section()]);
    only_good(&place, &["export"]).await.says(&["cluster 'bad'", "SSL off", "remove `tls = \"plaintext\"`"]);
}

#[tokio::test]
async fn a_sha256_password_gets_advice() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    bad.cluster.fault(Fault::Sha256Auth);
    let place = Place::with(&[&bad.section(), &good.section()]);
    only_good(&place, &["export"]).await.says(&["cluster 'bad'", "SHA-256 password", "'md5…'"]);
}

#[tokio::test]
async fn a_user_that_sees_only_its_own_rows_exports_nothing() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    bad.cluster.set_user("lookback", "lookback", Access::OwnRows { userid: 100 });
    let place = Place::with(&[&bad.section(), &good.section()]);
    let ran = only_good(&place, &["export"]).await;
    let errors: Vec<&str> = ran.stderr.lines().filter(|l| !l.contains("WARN")).collect();
    insta::assert_snapshot!(place.steady(&errors.join("\n")), @r"
    lookback: cluster 'bad': the user sees only its own rows of the system tables; nothing was exported
              as a superuser: ALTER USER <user> SYSLOG ACCESS UNRESTRICTED; or GRANT ROLE sys:monitor TO <user>;
    ");
    let check = place.run(&["check", "--cluster", "bad"]).await.expect(1);
    assert!(check.stdout.contains("PROBLEM  privileges"), "{}", check.stdout);
    // With the privilege, everything comes: the refusal has covered nothing.
    bad.cluster.set_user("lookback", "lookback", Access::SysMonitor);
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("bad").await, FIVE);
}

#[tokio::test]
async fn a_user_without_select_gets_advice() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    bad.cluster.set_user("lookback", "lookback", Access::NoSelect);
    let place = Place::with(&[&bad.section(), &good.section()]);
    only_good(&place, &["export"]).await.says(&["bad", "SYSLOG ACCESS UNRESTRICTED"]);
}

#[tokio::test]
async fn a_clock_that_is_ahead_covers_nothing() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    bad.cluster.set_now(now() + 3 * DAY);
    let place = Place::with(&[&bad.section(), &good.section()]);
    only_good(&place, &["export"]).await.says(&["cluster 'bad': its clock is 2", "ahead of this machine's"]);
    bad.cluster.set_now(now());
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("bad").await, FIVE);
}

#[tokio::test]
async fn a_clock_that_jumps_between_exports_loses_nothing() {
    let sim = Sim::start("bad").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    for jump in [3 * DAY, -3 * DAY] {
        sim.cluster.set_now(now() + jump);
        place.run(&["export"]).await.expect(1).says(&["this machine's", "correct whichever clock is wrong"]);
    }
    sim.cluster.set_now(now());
    sim.cluster.insert("stl_query", vec![query(6, now() - 5 * 60_000_000)]);
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("bad").await, sim.truth());
}

#[tokio::test]
async fn a_clock_that_falls_behind_the_coverage_covers_nothing_and_loses_nothing() {
    let sim = Sim::start("bad").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    // Within what is tolerated between machines, and still behind what is already covered.
    sim.cluster.set_now(now() - 10 * 60_000_000);
    place
        .run(&["export"])
        .await
        .expect(1)
        .says(&["cluster 'bad': its clock is", "behind what stl_query is covered until"]);
    sim.cluster.set_now(now());
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("bad").await, FIVE);
}

#[tokio::test]
async fn a_connection_cut_mid_stream_is_tried_again() {
    let sim = Sim::start("good").await;
    // Of the two statements that read the table, the first only asks for its oldest row, and has nothing to be cut.
    sim.cluster.fault(Fault::CutAfterRows { table: Some("stl_query".to_owned()), rows: 3 }.times(2));
    let place = Place::with(&[&sim.section()]);
    let ran = place.run(&["export", "-v"]).await.expect(0);
    ran.says(&["trying again"]);
    assert_eq!(place.queries("good").await, FIVE);
}

#[tokio::test]
async fn a_cancelled_query_is_tried_again() {
    let sim = Sim::start("good").await;
    sim.cluster.fault(Fault::Cancel { table: Some("stl_query".to_owned()) }.once());
    let place = Place::with(&[&sim.section()]);
    place.run(&["export", "-v"]).await.expect(0).says(&["trying again", "57014"]);
    assert_eq!(place.queries("good").await, FIVE);
}

#[tokio::test]
async fn a_query_that_is_always_cancelled_fails_with_advice() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    bad.cluster.fault(Fault::Cancel { table: Some("stl_query".to_owned()) });
    let place = Place::with(&[&bad.section(), &good.section()]);
    only_good(&place, &["export"]).await.says(&["bad", "stl_query", "57014", "statement_timeout"]);
    bad.cluster.clear_faults();
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("bad").await, FIVE);
}

#[tokio::test]
async fn a_cluster_that_hangs_costs_its_timeout_and_stops_nobody() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    bad.cluster.fault(Fault::HangTable("stl_query".to_owned()));
    let place = Place::with_export("timeout = \"2s\"\nretries = 0", &[&bad.section(), &good.section()]);
    let started = Instant::now();
    let ran = place.run(&["export"]).await.expect(1).says(&["bad", "stl_query"]);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}\n{}", started.elapsed(), ran.stderr);
    assert_eq!(place.queries("good").await, FIVE);
    assert_eq!(covered(&place, "bad").await, 0, "nothing of it is covered");
}

#[tokio::test]
async fn a_table_that_timed_out_is_exported_by_the_next_run() {
    let sim = Sim::start("one").await;
    sim.cluster.fault(Fault::HangTable("stl_query".to_owned()));
    let place = Place::with_export("timeout = \"1s\"\nretries = 0", &[&sim.section()]);
    place.run(&["export"]).await.expect(1);
    sim.cluster.clear_faults();
    // The run that gave up has ended, so that nobody holds the table any more.
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("one").await, FIVE);
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_connect_timeout() {
    let (bad, good) = (Sim::start("bad").await, Sim::start("good").await);
    bad.cluster.fault(Fault::HangConnect);
    let place = Place::with_export("connect_timeout = \"1s\"\nretries = 0", &[&bad.section(), &good.section()]);
    let started = Instant::now();
    only_good(&place, &["export"]).await.says(&[
        "cluster 'bad' at 127.0.0.1",
        "no answer within 1 s",
        "check host, port",
    ]);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_table_that_a_cluster_lacks_is_named_and_the_others_are_exported() {
    let sim = Sim::start("good").await;
    let fault = Fault::Error {
        table: Some("stl_wlm_query".to_owned()),
        sqlstate: "42P01".to_owned(),
        message: "relation \"stl_wlm_query\" does not exist".to_owned(),
    };
    sim.cluster.fault(fault);
    let place = Place::with_export("tables = [\"stl_wlm_query\", \"stl_query\"]", &[&sim.section()]);
    place.run(&["export"]).await.expect(1).says(&["stl_wlm_query", "remove it from the cluster's `tables`"]);
    assert_eq!(place.queries("good").await, FIVE);
}
