//! Asked to end.

use std::process::Stdio;
use std::time::{Duration, Instant};

use lookback_simulator::Fault;

use crate::support::{LOOKBACK, Place, Sim};

/// An export is asked to end while the cluster hangs in that statement, the n-th of those that name the table.
async fn ended_while_hanging(statement: usize, signal: &str) {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let hang = Fault::HangTable("stl_query".to_owned());
    if statement == 1 {
        sim.cluster.fault(hang);
    } else {
        // The statement before takes long enough for the fault to be armed behind it.
        sim.cluster
            .fault(Fault::Slow { table: Some("stl_query".to_owned()), pause: Duration::from_millis(300) }.once());
        sim.cluster.fault(hang);
    }
    let mut command = place.command(LOOKBACK);
    let child = command.arg("export").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Until the cluster has answered everything that it will answer.
    let mut served = (0, Instant::now());
    while served.0 == 0 || served.1.elapsed() < Duration::from_millis(600) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if sim.cluster.queries_served() != served.0 {
            served = (sim.cluster.queries_served(), Instant::now());
        }
    }
    let asked = Instant::now();
    let kill = format!("kill -{signal} {}", child.id().unwrap());
    place.sh(&kill).await.expect(0);
    let output = tokio::time::timeout(Duration::from_secs(8), child.wait_with_output()).await;
    let output = output.expect("it must end soon after it was asked to").unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("stopping: work that is not committed will be read again next time"), "{stderr}");
    // Nothing is held, and nothing is lost.
    sim.cluster.clear_faults();
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("one").await, sim.truth());
}

#[tokio::test]
async fn an_export_that_is_terminated_while_it_looks_for_the_oldest_row_ends() {
    ended_while_hanging(1, "TERM").await;
}

#[tokio::test]
async fn an_export_that_is_terminated_while_it_reads_ends() {
    ended_while_hanging(2, "TERM").await;
}

#[tokio::test]
async fn an_export_that_is_interrupted_ends() {
    ended_while_hanging(2, "INT").await;
}
