#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use lookback_schemas::time::HOUR;

use super::*;

const NEED: &str = "kms_key_state";

fn need(collectors: &[&'static str]) -> Need {
    Need { table: NEED, collectors: collectors.to_vec(), only: None }
}

fn coverage(entries: &[(&str, &str, Reads)]) -> Coverage {
    let place = |collector: &str, region: &str| Place {
        collector: collector.to_owned(),
        account_id: "111122223333".to_owned(),
        region: region.to_owned(),
    };
    let reads = entries.iter().map(|(collector, region, reads)| (place(collector, region), reads.clone()));
    Coverage { reads: reads.collect(), ..Coverage::default() }
}

fn complete(windows: &[(i64, i64)]) -> Reads {
    let mut reads = Reads::default();
    windows.iter().for_each(|(from, to)| reads.complete.add(from * HOUR, to * HOUR));
    reads
}

const WINDOW: (i64, i64) = (0, 100 * HOUR);

fn subject(region: &'static str) -> Subject<'static> {
    Subject { account_id: "111122223333", region, ..Subject::default() }
}

fn proof(coverage: &Coverage, collectors: &[&'static str], region: &'static str) -> Proof {
    coverage.proof(&need(collectors), &subject(region), WINDOW).unwrap()
}

#[test]
fn the_reason_names_the_hole() {
    let mut holed = complete(&[(0, 40), (50, 99)]);
    let at = |reads: &Reads| proof(&coverage(&[("keys", "eu", reads.clone())]), &["keys"], "eu");
    let found = at(&holed);
    assert!((found.pct - 89.0).abs() < 1e-9 && !found.denied);
    let hole = "89.0 % of the window was read by keys of 111122223333/eu; \
                the longest hole is 1970-01-02 16:00 to 1970-01-03 02:00 UTC";
    assert_eq!(found.missing.unwrap(), hole);
    holed.error = Some((45 * HOUR, "throttled".to_owned()));
    assert_eq!(at(&holed).missing.unwrap(), format!("{hole}; throttled"));
    holed.lost.add(41 * HOUR, 42 * HOUR);
    assert_eq!(at(&holed).missing.unwrap(), format!("{hole}; its source no longer had it"));
    assert_eq!(at(&complete(&[(-5, 100)])).missing, None);
}

#[test]
fn a_collector_that_never_ran_proves_nothing() {
    let coverage = coverage(&[("keys", "eu", complete(&[(0, 100)]))]);
    let never = proof(&coverage, &["keys"], "us");
    assert_eq!((never.pct, never.missing.as_deref()), (0.0, Some("the collector keys never ran in 111122223333/us")));
    let nobody = coverage.proof(&need(&["clusters"]), &Subject::default(), (0, HOUR)).unwrap();
    assert_eq!(nobody.missing.as_deref(), Some("the collector clusters never ran"));
    let itself = Need { table: "collection_runs", collectors: Vec::new(), only: None };
    assert_eq!(coverage.proof(&itself, &subject("us"), (0, HOUR)), None);
    assert!(coverage.ever(&itself) && !Coverage::default().ever(&itself));
    assert!(coverage.ever(&need(&["keys"])) && !coverage.ever(&need(&["clusters"])));
}

#[test]
fn collectors_that_stand_in_for_each_other_are_read_together() {
    let coverage =
        coverage(&[("cloudtrail", "eu", complete(&[(0, 60)])), ("trail_files", "eu", complete(&[(50, 100)]))]);
    let both = proof(&coverage, &["cloudtrail", "trail_files"], "eu");
    assert!((both.pct - 100.0).abs() < 1e-9 && both.missing.is_none());
    assert!(proof(&coverage, &["cloudtrail"], "eu").pct < 61.0);
    // Without an account, the place with the least decides.
    let everywhere = coverage.proof(&need(&["cloudtrail"]), &Subject::default(), WINDOW).unwrap();
    assert!((everywhere.pct - 60.0).abs() < 1e-9);
}

#[test]
fn a_denied_call_stands_until_its_time_is_read() {
    let window = (10 * HOUR, 11 * HOUR);
    let json = r#"[{"call":"kms:DescribeKey","code":"AccessDeniedException","grant":"kms:DescribeKey"}]"#;
    let mut reads = complete(&[(0, 10), (11, 100)]);
    reads.denied = denied::read(json, window);
    let found = proof(&coverage(&[("keys", "eu", reads.clone())]), &["keys"], "eu");
    assert!(found.denied && found.pct > 98.9);
    assert_eq!(
        found.missing.unwrap(),
        "kms:DescribeKey was denied to keys of 111122223333/eu (AccessDeniedException); grant kms:DescribeKey to the \
         collector's role"
    );
    reads.complete.add(window.0, window.1);
    assert!(!proof(&coverage(&[("keys", "eu", reads)]), &["keys"], "eu").denied);
}

#[test]
fn lists_of_denied_calls() {
    for empty in ["", "[]", "null", " "] {
        assert!(denied::read(empty, (0, 1)).is_empty(), "{empty}");
    }
    assert_eq!(denied::read("{", (0, 1))[0].code, "{");
    assert_eq!(denied::read(r#"[{"call":"a","extra":1}]"#, (0, 1))[0].call, "a");
}

#[test]
fn where_no_cluster_is_meant_the_log_that_was_read_least_counts() {
    let log = Need { table: "stl_connection_log", collectors: Vec::new(), only: None };
    let read = |from: i64, to: i64| {
        let mut spans = Spans::default();
        spans.add(from * HOUR, to * HOUR);
        spans
    };
    let of = |cluster: &str, spans: Spans| ((log.table.to_owned(), cluster.to_owned()), spans);
    let logs = [of("sales", read(0, 60)), of("sales@2", read(60, 100)), of("bi", read(0, 50))];
    let coverage = Coverage { logs: logs.into_iter().collect(), ..Coverage::default() };
    let at = |cluster: &str| coverage.proof(&log, &Subject { name: cluster, ..Subject::default() }, WINDOW).unwrap();
    assert_eq!((at("sales").pct, at("sales").missing), (100.0, None));
    let least = at("");
    assert!((least.pct - 50.0).abs() < 1e-9);
    assert!(least.missing.unwrap().contains("was read by stl_connection_log of bi;"));
    assert_eq!(at("etl").missing.unwrap(), "stl_connection_log was never exported from etl");
    let none = Coverage::default().proof(&log, &Subject::default(), (0, HOUR)).unwrap();
    assert_eq!(none.missing.unwrap(), "stl_connection_log was never exported from any cluster");
}

const DENIED: &str =
    r#"[{"call":"kms:DescribeKey","code":"AccessDeniedException","grant":"kms:DescribeKey","resource":"key/theirs"}]"#;

/// Runs of five hours each, as (status, refusals, error).
fn runs(all: &[(&str, &str, &str)]) -> Reads {
    let mut reads = Reads::default();
    for (n, (status, denied, error)) in (0..).zip(all) {
        let window = (n * 5 * HOUR, (n + 1) * 5 * HOUR);
        reads.add(status, (window.1, (*error).to_owned()), window, denied::read(denied, window));
    }
    reads
}

/// What is proven for an entity that rests on these resources; of all entities, for none.
fn proof_of(reads: Reads, entity: &str) -> Proof {
    let mut coverage = coverage(&[("keys", "eu", reads)]);
    coverage.references.add("cluster/ours", ["key/ours".to_owned(), String::new()]);
    coverage.references.add("cluster/shared", ["key/ours".to_owned(), "key/theirs".to_owned()]);
    coverage.references.add("key/ours", []);
    coverage.references.add("key/theirs", []);
    coverage.proof(&need(&["keys"]), &Subject { entity, ..subject("eu") }, WINDOW).unwrap()
}

#[test]
fn a_refusal_about_one_key_is_no_hole_in_what_is_known_of_the_others() {
    let denied = runs(&[("partial", DENIED, ""); 20]);
    assert_eq!(denied.denied.len(), 1, "the same at every run is one refusal that lasts");
    for entity in ["cluster/ours", "key/ours"] {
        let found = proof_of(denied.clone(), entity);
        assert!((found.pct - 100.0).abs() < 1e-9 && !found.denied && found.missing.is_none(), "{entity}: {found:?}");
    }
    // What rests on it is not known; nor is anything of which nobody knows what it rests on.
    for entity in ["cluster/shared", "key/theirs", "cluster/unheard-of", ""] {
        let found = proof_of(denied.clone(), entity);
        assert!(found.denied && found.pct < 1e-9, "{entity}: {found:?}");
        assert_eq!(
            found.missing.unwrap(),
            "kms:DescribeKey of key/theirs was denied to keys of 111122223333/eu (AccessDeniedException); grant \
             kms:DescribeKey to the collector's role"
        );
    }
    // Once it may be asked, the time before stays unknown.
    let mut healed = [("ok", "[]", ""); 20];
    healed[3] = ("partial", DENIED, "");
    let found = proof_of(runs(&healed), "key/theirs");
    assert!(found.denied && (found.pct - 95.0).abs() < 1e-9, "{found:?}");
    assert!(!proof_of(runs(&healed), "key/ours").denied);
}

#[test]
fn what_failed_besides_is_a_hole_for_everybody() {
    let whole = DENIED.replace(r#","resource":"key/theirs""#, "");
    let both = format!("[{},{}", DENIED.trim_matches(['[', ']']), whole.trim_start_matches('['));
    for (denied, error) in [(whole.as_str(), ""), (both.as_str(), ""), (DENIED, "kms:ListAliases: 500")] {
        let mut all = [("ok", "[]", ""); 20];
        all[7] = ("partial", denied, error);
        let found = proof_of(runs(&all), "key/ours");
        assert!((found.pct - 95.0).abs() < 1e-9, "{denied} {error}: {found:?}");
        assert_eq!(found.denied, error.is_empty(), "{found:?}");
    }
}

#[test]
fn a_cluster_needs_nothing_that_is_read_of_namespaces_only() {
    let text = "-- id: X\n-- version: 1\n-- title: a\n-- severity: high\n-- question: b?\n\
                -- needs: t/clusters for cluster, t/serverless for namespace\n-- window: window\n-- do: c\nSELECT 1";
    let check = crate::audit::check::parse("X", text).unwrap();
    let coverage = coverage(&[("clusters", "eu", complete(&[(0, 100)])), ("serverless", "eu", complete(&[(0, 10)]))]);
    let weakest = |entity_type| {
        let subject = Subject { entity_type, ..subject("eu") };
        let proofs = check.needs.iter().filter_map(|need| coverage.proof(need, &subject, WINDOW));
        proofs.reduce(Proof::weaker).unwrap().pct
    };
    assert!((weakest("cluster") - 100.0).abs() < 1e-9);
    // Whatever may be about both needs both.
    for other in ["namespace", "kms_key", ""] {
        assert!((weakest(other) - 10.0).abs() < 1e-9, "{other}");
    }
    let wrong = text.replace("for namespace", "for nobody");
    assert!(crate::audit::check::parse("X", Box::leak(wrong.into_boxed_str())).is_err());
}
