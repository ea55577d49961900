//! The commands that look and export: `init`, `tables`, `check`, `export`.

use lookback_exporter::watermarks::{SqliteStore, WatermarkStore};
use lookback_schemas::rollups::ROLLUPS;
use lookback_schemas::time::MINUTE;
use lookback_schemas::{encryption, registry};
use lookback_simulator::Tls;

use crate::support::{Place, Sim, now, query};

#[tokio::test]
async fn init_writes_a_file_that_works_and_does_not_replace_one() {
    let place = Place::new();
    let ran = place.run(&["init"]).await.expect(0);
    assert_eq!(ran.stdout, "wrote lookback.toml\nnext: name your clusters in it, then run `lookback check`\n");
    let text = std::fs::read_to_string(place.path("lookback.toml")).unwrap();
    // It parses: what is missing now is a cluster, and the next command says so.
    place.run(&["check"]).await.expect(2).says(&["no cluster is configured"]);

    place.write("lookback.toml", "# mine\n");
    let ran = place.run(&["init"]).await.expect(2);
    assert_eq!(ran.stderr, "lookback: lookback.toml exists\n          --force replaces it\n");
    assert_eq!(std::fs::read_to_string(place.path("lookback.toml")).unwrap(), "# mine\n");
    place.run(&["init", "--force"]).await.expect(0);
    assert_eq!(std::fs::read_to_string(place.path("lookback.toml")).unwrap(), text);

    place.run(&["init", "--config", "other.toml"]).await.expect(0);
    assert_eq!(std::fs::read_to_string(place.path("other.toml")).unwrap(), text);
    place
        .run(&["init", "--config", "missing/other.toml"])
        .await
        .expect(1)
        .says(&["missing/other.toml", "No such file"]);
}

#[tokio::test]
async fn the_examples_of_init_work_when_uncommented() {
    let sim = Sim::start("sales").await;
    let place = Place::new();
    place.run(&["init"]).await.expect(0);
    let text = std::fs::read_to_string(place.path("lookback.toml")).unwrap();
    // Left as comments: what needs AWS, and other ways to say what is said already.
    let others = "region profile kms_key dynamodb_table [ssm] prefix refresh cluster_identifier workgroup assume_role \
                  external_id password_file password_parameter secret iam enabled [[record";
    let open = text.lines().map(|l| {
        let example = l.strip_prefix("#: ");
        example.filter(|e| !others.split(' ').any(|key| e.starts_with(key))).unwrap_or(l)
    });
    let open: Vec<&str> = open.collect();
    let open = open.join("\n").replace("5439", &sim.server.addr().port().to_string());
    let open = open.replace("sales.abc123.eu-central-1.redshift.amazonaws.com", "127.0.0.1");
    place.write("lookback.toml", &open.replace("ca_file = \"authorities.pem\"", "tls = \"plaintext\""));
    let mut command = place.command(crate::support::LOOKBACK);
    let output = command.args(["export", "--table", "stl_query"]).env("SALES_PASSWORD", "lookback").output().await;
    assert_eq!(output.unwrap().status.code(), Some(0));
    assert_eq!(place.queries("sales").await, sim.truth());
}

#[tokio::test]
async fn tables_of_a_group() {
    let ran = Place::new().run(&["tables", "core"]).await.expect(0);
    insta::assert_snapshot!(ran.stdout, @r"
    table                class   time                    columns  groups                         what a row says
    -------------------  ------  ----------------------  -------  -----------------------------  ------------------------------------------------------------------------------------------------------------------------------
    stl_query            log     endtime                      12  core performance security all  one row per query run, on the main or a concurrency scaling cluster (no DDL, no utility commands), text cut at 4000 characters
    stl_alert_event_log  log     event_time                   10  core performance all           optimizer and executor performance alerts per query step, with the suggested remedy
    stl_ddltext          log     endtime                       8  core performance security all  text of DDL statements in 200-character pieces
    stl_explain          driven  from stl_query                9  core performance all           plan nodes of each query as EXPLAIN would print them
    stl_querytext        driven  from stl_query                9  core performance security all  text of queries in 200-character pieces
    stl_scan             log     endtime                      35  core performance all           table scan steps per query and slice, with rows before and after filtering
    stl_utilitytext      log     endtime                       8  core performance security all  text of commands that are neither queries nor DDL (SET, GRANT, COMMIT, ANALYZE ...) in 200-character pieces
    stl_wlm_query        log     service_class_end_time       18  core performance all           each attempted run of a query in a WLM service class, with queue and execution times
    ");
}

#[tokio::test]
async fn one_table_has_its_columns() {
    let place = Place::new();
    let ran = place.run(&["tables", "stl_querytext"]).await.expect(0);
    insta::assert_snapshot!(ran.stdout, @r"
    stl_querytext: text of queries in 200-character pieces
    class driven, time from stl_query, groups: core performance security all

    column                Redshift type   type in the lake
    --------------------  --------------  ----------------
    userid                integer         Int64
    xid                   bigint          Int64
    pid                   integer         Int64
    query                 integer         Int64
    sequence              integer         Int64
    text                  character(200)  Utf8
    user_query_id         bigint          Int64
    child_query_sequence  integer         Int64
    query_uuid            character(36)   Utf8
    ");
    assert_eq!(place.run(&["tables", "STL_QueryText"]).await.expect(0).stdout, ran.stdout, "case does not matter");
}

#[tokio::test]
async fn all_tables_are_listed() {
    let place = Place::new();
    let names = |stdout: &str| -> Vec<String> {
        stdout.lines().skip(2).map(|l| l.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let own: Vec<&str> = encryption::TABLES.iter().map(|t| t.name).chain(ROLLUPS.iter().map(|r| r.name)).collect();
    let exportable = registry().tables().iter().filter(|t| t.exportable()).map(|t| t.name.as_str());
    let mut expected: Vec<&str> = exportable.chain(own.iter().copied()).collect();
    let mut listed = names(&place.run(&["tables"]).await.expect(0).stdout);
    listed.sort();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert_eq!(listed.len(), 55 + own.len());
    let all = names(&place.run(&["tables", "--all"]).await.expect(0).stdout);
    assert_eq!(all.len(), registry().tables().len() + own.len());
    let json = place.run(&["tables", "--all", "--format", "json"]).await.expect(0).json();
    assert_eq!(json.as_array().unwrap().len(), all.len());
    let one = place.run(&["tables", "stl_scan", "--format", "json"]).await.expect(0).json();
    assert_eq!(one["name"], "stl_scan");
    assert_eq!(one["columns"].as_array().unwrap().len(), registry().table("stl_scan").unwrap().columns.len());
}

#[tokio::test]
async fn tables_of_the_record_say_what_their_columns_mean() {
    let place = Place::new();
    let listed = place.run(&["tables", "encryption"]).await.expect(0).stdout;
    for table in encryption::TABLES {
        assert!(listed.lines().any(|line| line.split_whitespace().next() == Some(table.name)), "{listed}");
    }
    let ran = place.run(&["tables", "KMS_key_rotations"]).await.expect(0);
    insta::assert_snapshot!(ran.stdout, @r#"
    kms_key_rotations: each rotation of a KMS key's material that KMS lists
    class record, time rotation_date, groups: encryption

    column              type in the lake      what it says
    ------------------  --------------------  ----------------------------------------------------------------
    kms_key_arn         Utf8                  KMS key, by its ARN
    rotation_date       Timestamp(µs, "UTC")  when the key's material was rotated, UTC
    rotation_type       Utf8                  AUTOMATIC or ON_DEMAND
    key_material_id     Utf8                  id of the key material
    key_material_state  Utf8                  CURRENT, NON_CURRENT or pending
    valid_to            Timestamp(µs, "UTC")  when imported material expires, UTC
    account_id          Utf8                  AWS account; partition column
    region              Utf8                  AWS region
    observed_at         Timestamp(µs, "UTC")  when it was read, UTC
    run_id              Utf8                  the collection that it comes from: `run_id` in `collection_runs`
    "#);
    let json = place.run(&["tables", "kms_key_rotations", "--format", "json"]).await.expect(0).json();
    assert_eq!((&json["class"], &json["groups"][0]), (&"record".into(), &"encryption".into()));
    assert_eq!(json["columns"][0]["meaning"], "KMS key, by its ARN");
    let rollups = place.run(&["tables", "rollups", "--format", "json"]).await.expect(0).json();
    let names: Vec<_> = rollups.as_array().unwrap().iter().map(|table| table["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["lookback_hourly", "lookback_fingerprints"]);
    let shown = place.run(&["tables", "lookback_hourly"]).await.expect(0).stdout;
    assert!(shown.contains("\nqueue_us ") && shown.contains("time hour, groups: rollups"), "{shown}");
}

#[tokio::test]
async fn check_of_a_good_cluster_is_0() {
    let sim = Sim::start_with("one", Tls::Required).await;
    let place = Place::with(&[&sim.section_with("password_env = \"PW\"\nca_file = \"ca.pem\"\n")]);
    place.write("ca.pem", &sim.server.ca_pem().unwrap());
    let ran = place.run(&["check"]).await.expect(0);
    insta::assert_snapshot!(place.steady(&ran.stdout).replace(&sim.cluster.namespace(), "<namespace>"), @r"
    this machine
      note     lake         there is no lake at <folder>/lake yet
                            -> nothing to do: the first `lookback export` creates it

    one
      ok       connection   PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.77467
      ok       tls          encrypted, certificate verified
      ok       privileges   rows of all users are visible
      ok       incarnation  <namespace>
      ok       clock        agrees with this machine's
      ok       tables       1 of 1 can be read
    ");
    let json = place.run(&["check", "--format", "json"]).await.expect(0).json();
    let levels: Vec<&str> = json.as_array().unwrap().iter().map(|f| f["level"].as_str().unwrap()).collect();
    assert_eq!(levels.iter().filter(|l| **l != "ok").collect::<Vec<_>>(), [&"note"], "{json}");
    assert!(!place.path("lake").exists(), "looking makes nothing");
}

#[tokio::test]
async fn check_finds_every_clusters_problem() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let three = Sim::start_with("three", Tls::Required).await;
    one.cluster.set_now(now() + 60 * MINUTE);
    two.cluster.set_user("lookback", "x", lookback_simulator::Access::Unrestricted);
    let place = Place::with(&[&one.section(), &two.section(), &three.section()]);
    let ran = place.run(&["check", "--format", "json"]).await.expect(1);
    let json = ran.json();
    let problems: Vec<(&str, &str)> = json
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["level"] == "PROBLEM")
        .map(|f| (f["cluster"].as_str().unwrap(), f["what"].as_str().unwrap()))
        .collect();
    assert_eq!(problems, [("one", "clock"), ("three", "connection"), ("two", "connection")]);
    assert!(
        json.as_array().unwrap().iter().filter(|f| f["level"] == "PROBLEM").all(|f| f["fix"].is_string()),
        "{json}"
    );
    place.run(&["check", "--cluster", "one"]).await.expect(1);
}

#[tokio::test]
async fn check_does_not_move_coverage() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["check"]).await.expect(0);
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("one").await, sim.truth());
}

#[tokio::test]
async fn export_shows_a_line_for_each_table() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with_export("tables = [\"stl_query\", \"stl_querytext\"]", &[&one.section(), &two.section()]);
    let ran = place.run(&["export", "--once"]).await.expect(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[0].split("  ").filter(|c| !c.trim().is_empty()).map(str::trim).collect::<Vec<_>>(),
        ["cluster", "table", "work", "read", "new", "known", "size", "covered until (UTC)", "result"]
    );
    let cells: Vec<Vec<&str>> = lines[2..].iter().map(|l| l.split_whitespace().collect()).collect();
    let firsts: Vec<&[&str]> = cells.iter().map(|c| &c[..6]).collect();
    assert_eq!(
        firsts,
        [
            ["one", "stl_query", "export", "5", "5", "0"],
            ["one", "stl_querytext", "export", "0", "0", "0"],
            ["two", "stl_query", "export", "5", "5", "0"],
            ["two", "stl_querytext", "export", "0", "0", "0"],
        ]
    );
    assert!(cells.iter().all(|c| c.last() == Some(&"ok")), "{}", ran.stdout);
}

#[tokio::test]
async fn export_is_once_also_without_saying_so_and_adds_nothing_twice() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let first = place.run(&["export", "--format", "json"]).await.expect(0).json();
    assert_eq!(first["exit_code"], 0);
    let table = &first["tables"][0];
    assert_eq!((&table["rows_new"], &table["outcome"]), (&5.into(), &"ok".into()), "{first}");
    assert!(table["covered_until"].as_str().unwrap().ends_with('Z'));
    for _ in 0..2 {
        let again = place.run(&["export", "--once", "--format", "json"]).await.expect(0).json();
        assert_eq!(again["tables"][0]["rows_new"], 0, "{again}");
    }
    assert_eq!(place.queries("one").await, sim.truth());
}

#[tokio::test]
async fn a_whole_generated_day_is_exported_exactly() {
    let sim = Sim::generated("one").await;
    let place = Place::with_export("tables = [\"core\"]", &[&sim.section()]);
    let tables = registry().select(&["core"]).unwrap();
    let want: Vec<String> = tables
        .iter()
        .map(|table| format!("{},{}", table.name, sim.cluster.truth_visible(&table.name).num_rows()))
        .collect();
    let counts: Vec<String> =
        tables.iter().map(|table| format!("SELECT '{0}' AS name, count(*) FROM {0}", table.name)).collect();
    let counts = format!("{} ORDER BY name", counts.join(" UNION ALL "));
    for _ in 0..2 {
        place.run(&["export"]).await.expect(0);
        let mut want = want.clone();
        want.sort();
        assert_eq!(place.query(&counts).await, want);
    }
    place.run(&["verify"]).await.expect(0);
}

#[tokio::test]
async fn a_dry_run_touches_nothing() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let ran = place.run(&["export", "--dry-run"]).await.expect(0);
    assert!(ran.stdout.contains("nothing was read or written"), "{}", ran.stdout);
    assert!(ran.stdout.contains("stl_query"), "{}", ran.stdout);
    assert_eq!(place.entries(), ["lookback.toml"]);
    let json = place.run(&["export", "--dry-run", "--format", "json"]).await.expect(0).json();
    assert_eq!(json[0]["table"], "stl_query");
    assert!(json[0]["covered_until"].is_null() && !json[0]["windows"].as_array().unwrap().is_empty(), "{json}");
    assert_eq!(place.entries(), ["lookback.toml"]);

    // Nor is anything of an existing lake touched, and the plan begins where the coverage is.
    place.run(&["export"]).await.expect(0);
    let files = place.files();
    let json = place.run(&["export", "--dry-run", "--format", "json"]).await.expect(0).json();
    assert!(json[0]["covered_until"].is_string(), "{json}");
    assert_eq!(place.files(), files);
}

#[tokio::test]
async fn a_dry_run_of_a_cluster_that_cannot_be_exported_fails() {
    let sim = Sim::start("one").await;
    sim.cluster.set_user("lookback", "x", lookback_simulator::Access::Unrestricted);
    let place = Place::with(&[&sim.section()]);
    let ran = place.run(&["export", "--dry-run"]).await.expect(1);
    assert!(ran.stdout.contains("password authentication failed"), "{}", ran.stdout);
    assert_eq!(place.entries(), ["lookback.toml"]);
}

#[tokio::test]
async fn filters_choose_clusters_and_tables() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with_export("tables = [\"core\"]", &[&one.section(), &two.section()]);
    let json = place
        .run(&["export", "--cluster", "two", "--table", "stl_query", "--table", "stl_wlm_query", "--format", "json"])
        .await
        .expect(0)
        .json();
    let done: Vec<(&str, &str)> = json["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| (t["cluster"].as_str().unwrap(), t["table"].as_str().unwrap()))
        .collect();
    assert_eq!(done, [("two", "stl_query"), ("two", "stl_wlm_query")]);
    assert_eq!(place.queries("one").await, [0_i64; 0]);
    // A group stands for its tables.
    let json = place.run(&["export", "--cluster", "one", "--table", "core", "--format", "json"]).await.expect(0).json();
    assert_eq!(json["tables"].as_array().unwrap().len(), registry().select(&["core"]).unwrap().len());
}

#[tokio::test]
async fn tables_that_another_run_holds_are_left_to_it() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let first = place.run(&["export", "--format", "json"]).await.expect(0).json();
    let id = first["tables"][0]["cluster_id"].as_str().unwrap().to_owned();
    sim.cluster.insert("stl_query", vec![query(6, now() - 10 * MINUTE)]);

    let store = SqliteStore::open(&place.path("lookback-state.sqlite")).unwrap();
    let held = store.acquire(&id, "stl_query", "another", now(), now() + 10 * MINUTE).await.unwrap().unwrap();
    let ran = place.run(&["export"]).await.expect(4);
    assert!(ran.stdout.contains("held by another run"), "{}", ran.stdout);
    let json = place.run(&["export", "--format", "json"]).await.expect(4).json();
    assert_eq!((&json["exit_code"], &json["tables"][0]["outcome"]), (&4.into(), &"lease_held".into()));
    // Other tables go on, and then there was something to do.
    place.run(&["export", "--table", "stl_query", "--table", "stl_querytext"]).await.expect(0);

    store.release(&id, "stl_query", &held.lease).await.unwrap();
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("one").await, sim.truth());
}

#[tokio::test]
async fn a_lease_that_ended_is_taken_over() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let store = SqliteStore::open(&place.path("lookback-state.sqlite")).unwrap();
    store.acquire("one", "stl_query", "dead", now() - 30 * MINUTE, now() - MINUTE).await.unwrap().unwrap();
    place.run(&["export"]).await.expect(0);
    assert_eq!(place.queries("one").await, sim.truth());
}

#[tokio::test]
async fn rows_purged_before_they_were_read_are_a_recorded_gap() {
    let sim = Sim::start("one").await;
    let place = Place::with_export("retention = \"1m\"\nsettle = \"10s\"\noverlap = \"1m\"", &[&sim.section()]);
    sim.cluster.set_now(now() - 10 * MINUTE);
    place.run(&["export"]).await.expect(0);
    // Nobody exports for ten minutes, and the source keeps less.
    sim.cluster.insert("stl_query", vec![query(6, now() - 8 * MINUTE), query(7, now() - 2 * MINUTE)]);
    sim.cluster.set_now(now());
    sim.cluster.purge_before(now() - 5 * MINUTE);
    let ran = place.run(&["export"]).await.expect(3);
    assert!(ran.stdout.contains("GAP "), "{}", ran.stdout);
    assert_eq!(place.queries("one").await, [1, 2, 3, 4, 5, 7], "what could be read is there");

    let status = place.run(&["status", "--format", "json"]).await.expect(0).json();
    let gaps = status[0]["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{status}");
    assert!(gaps[0]["from"].as_str() < gaps[0]["to"].as_str());
    let shown = place.run(&["status"]).await.expect(0).stdout;
    assert!(shown.lines().nth(4).unwrap().contains(" .. "), "{shown}");
    // Recorded once; the next export has nothing to report.
    place.run(&["export"]).await.expect(0);
    let status = place.run(&["status", "--format", "json"]).await.expect(0).json();
    assert_eq!(status[0]["gaps"].as_array().unwrap().len(), 1, "{status}");
}
