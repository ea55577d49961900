//! Wrong configuration and wrong arguments: exit code 2, a message that names what is wrong, and nothing touched.

use crate::support::{Place, Ran, Sim};

/// Runs an export that must be refused before anything is touched.
async fn refused(place: &Place, args: &[&str]) -> Ran {
    let before = place.entries();
    let ran = place.run(args).await.expect(2);
    assert_eq!(ran.stdout, "");
    assert_eq!(place.entries(), before, "nothing may be created");
    ran
}

#[tokio::test]
async fn an_unknown_key_is_named_with_its_line() {
    let place = Place::new();
    place.write("lookback.toml", "[export]\noverlapp = \"1h\"\n");
    let ran = refused(&place, &["export"]).await;
    insta::assert_snapshot!(ran.stderr, @r#"
    lookback: lookback.toml, line 2: unknown field `overlapp`, expected one of `tables`, `settle`, `overlap`, `start_overlap`, `retention`, `slice`, `slice_rows`, `timeout`, `connect_timeout`, `retries`, `retry_delay`, `max_clusters`, `commit_linger`, `lease`, `max_clock_skew`, `sweep`
    "#);
}

#[tokio::test]
async fn a_file_that_is_no_toml_is_named() {
    let place = Place::new();
    place.write("lookback.toml", "[export\n");
    refused(&place, &["export"]).await.says(&["lookback.toml", "line 1"]);
}

#[tokio::test]
async fn a_password_in_the_file_is_refused_and_not_repeated() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section_with("password = \"s3cr3t-Xyzzy\"\n")]);
    let ran = refused(&place, &["export"]).await.says(&["unknown field `password`", "password_env"]);
    assert!(!ran.stderr.contains("s3cr3t-Xyzzy"), "a message about a secret must not repeat it:\n{}", ran.stderr);
}

#[tokio::test]
async fn a_bad_duration_says_how_one_looks() {
    let place = Place::new();
    place.write("lookback.toml", "[export]\nsettle = \"soon\"\n");
    refused(&place, &["export"]).await.says(&["lookback.toml", "line 2", "'soon' is not a duration such as \"15m\""]);
}

#[tokio::test]
async fn a_bad_value_in_the_environment_is_refused() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let mut command = place.command(crate::support::LOOKBACK);
    command.arg("export").env("LOOKBACK_EXPORT__SETTLE", "soon");
    let output = command.output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("'soon' is not a duration"), "{stderr}");
    assert_eq!(place.entries(), ["lookback.toml"]);
}

#[tokio::test]
async fn a_password_variable_that_is_not_set_is_named() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section_with("password_env = \"ONE_PASSWORD_THAT_NOBODY_SET\"\n")]);
    let ran = refused(&place, &["export"]).await;
    insta::assert_snapshot!(ran.stderr, @r"
    lookback: cluster 'one': the environment variable ONE_PASSWORD_THAT_NOBODY_SET is not set
              it holds the password of the export user
    ");
}

#[tokio::test]
async fn a_password_file_that_is_missing_is_named() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section_with("password_file = \"pw\"\n")]);
    refused(&place, &["export"]).await.says(&["cluster 'one'", "password_file", "pw", "No such file"]);
}

#[tokio::test]
async fn an_unknown_table_gets_a_suggestion() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    for command in ["export", "check", "verify", "maintain"] {
        let ran = refused(&place, &[command, "--table", "stl_qurey"]).await;
        assert_eq!(ran.stderr, "lookback: no table or group is named 'stl_qurey'; did you mean 'stl_query'?\n");
    }
    let ran = refused(&place, &["tables", "stl_qurey"]).await;
    assert_eq!(ran.stderr, "lookback: no table or group is named 'stl_qurey'; did you mean 'stl_query'?\n");
}

#[tokio::test]
async fn an_unknown_table_in_the_file_gets_a_suggestion() {
    let sim = Sim::start("one").await;
    let place = Place::with_export("tables = [\"stl_query\", \"stl_scann\"]", &[&sim.section()]);
    refused(&place, &["export"]).await.says(&["'stl_scann'", "did you mean 'stl_scan'?"]);
}

#[tokio::test]
async fn an_unknown_cluster_is_answered_with_those_that_exist() {
    let (one, two) = (Sim::start("one").await, Sim::start("two").await);
    let place = Place::with(&[&one.section(), &two.section()]);
    for command in ["export", "check", "verify", "maintain"] {
        let ran = refused(&place, &[command, "--cluster", "three"]).await;
        assert_eq!(ran.stderr, "lookback: no cluster is named 'three'; configured are one, two\n");
    }
}

#[tokio::test]
async fn no_clusters_says_how_to_add_one() {
    let place = Place::new();
    let ran = refused(&place, &["export"]).await;
    insta::assert_snapshot!(ran.stderr, @r"
    lookback: no cluster is configured
              add a section [clusters.<name>] to the configuration file; `lookback init` writes an example
    ");
}

#[tokio::test]
async fn a_configuration_file_that_is_missing_is_named() {
    let place = Place::new();
    let ran = refused(&place, &["export", "--config", "elsewhere.toml"]).await;
    insta::assert_snapshot!(ran.stderr, @r"
    lookback: configuration file elsewhere.toml: No such file or directory (os error 2)
              `lookback init` writes one to start from; --config names another
    ");
}

#[tokio::test]
async fn a_cluster_name_that_cannot_be_a_folder_is_refused() {
    let place = Place::with(&["[clusters.\"a/../b\"]\nhost = \"h\"\nuser = \"u\"\n"]);
    refused(&place, &["export"]).await.says(&["a/../b", "cannot be used", "letters, digits"]);
}

#[tokio::test]
async fn a_lake_of_a_kind_that_cannot_be_written_is_refused() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    refused(&place, &["export", "--lake", "gs://bucket/lake"]).await.says(&["gs://bucket/lake", "'gs'"]);
}

#[tokio::test]
async fn a_lake_in_a_bucket_needs_the_key_that_its_objects_are_to_be_under() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    let says = ["s3://bucket/lake", "lake.kms_key is missing", "customer managed key"];
    refused(&place, &["export", "--lake", "s3://bucket/lake"]).await.says(&says);
}

/// Exports with a configuration file that is named in this way from the folder `elsewhere` beside it.
async fn from_elsewhere(sim: &Sim, place: &Place, config: &str) {
    let mut command = place.command(crate::support::LOOKBACK);
    command.current_dir(place.path("elsewhere")).args(["export", "--config", config]);
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.entries(), ["elsewhere", "lake", "lookback-state.sqlite", "lookback.toml"]);
    assert_eq!(std::fs::read_dir(place.path("elsewhere")).unwrap().count(), 0);
    assert_eq!(place.queries("one").await, sim.truth());
}

#[tokio::test]
async fn relative_paths_are_those_of_the_file() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    std::fs::create_dir(place.path("elsewhere")).unwrap();
    from_elsewhere(&sim, &place, &place.path("lookback.toml").display().to_string()).await;
}

#[tokio::test]
async fn a_configuration_file_may_be_above() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    std::fs::create_dir(place.path("elsewhere")).unwrap();
    from_elsewhere(&sim, &place, "../lookback.toml").await;
}

#[tokio::test]
async fn a_lake_may_be_beside_or_below_a_folder_with_odd_names() {
    let sim = Sim::start("one").await;
    let mut wrong = Vec::new();
    for location in ["./lake", "lake/", "here/../lake", "my lake", "größe", "100%", "a#b", "q?", "lake+1", "[x]"] {
        let place = Place::with(&[&sim.section(), &format!("[lake]\nlocation = \"{location}\"\n")]);
        std::fs::create_dir(place.path("here")).unwrap();
        let ran = place.run(&["export"]).await;
        if ran.code != Some(0) || !place.path(location).join("lookback.json").exists() {
            wrong.push(format!("{location}: exported with {:?} into {:?}: {}", ran.code, place.entries(), ran.stderr));
            continue;
        }
        let ran = place.run(&["sql", "--format", "csv", "SELECT count(*) AS n FROM stl_query"]).await;
        if ran.stdout != "n\n5\n" {
            wrong.push(format!("{location}: asked with {:?}: {}", ran.code, ran.stderr));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[tokio::test]
async fn a_command_that_only_looks_makes_no_lake() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    for args in [&["status"][..], &["sql", "SELECT 1"], &["verify"], &["maintain", "--no-sweep"]] {
        let ran = place.run(&[args, &["--lake", "typo"]].concat()).await;
        assert!(!place.exists("typo"), "{args:?} made a lake: {:?} {}", ran.code, ran.stderr);
    }
}
