//! `--help` and `--version`.

use crate::support::Place;

const COMMANDS: [&str; 15] = [
    "demo", "init", "check", "export", "maintain", "verify", "status", "sql", "diagnose", "audit", "alert", "timeline",
    "serve", "catalog", "tables",
];

#[tokio::test]
async fn version() {
    let ran = Place::new().run(&["--version"]).await.expect(0);
    assert_eq!(ran.stdout, format!("lookback {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn help_lists_every_command() {
    let place = Place::new();
    let ran = place.run(&["-h"]).await.expect(0);
    insta::assert_snapshot!(ran.stdout, @r"
    The long memory of a fleet of Amazon Redshift clusters

    Usage: lookback [OPTIONS] <COMMAND>

    Commands:
      demo      Simulated clusters, a real export of them, and what it shows
      init      Write a configuration file to start from
      check     What would stop an export, cluster by cluster, with the fix
      export    Read what is new on the clusters into the lake
      maintain  Sweep, compact, sum up and clean up the lake
      verify    Recount the clusters' rows against the lake
      status    Coverage, lag, purge headroom and gaps of each cluster and table
      sql       Ask the lake a question in SQL
      diagnose  Ready questions: list them, or ask one
      audit     Checks of encryption, keys and their evidence, with verdicts
      alert     Tell webhooks, SNS and Security Hub once what changed, and once when it is over
      timeline  The story of a cluster's encryption: what happened, who did it, what ran meanwhile
      serve     Answer BI tools by PostgreSQL's protocol, programs by HTTP, and people with a page
      catalog   Dashboards for Grafana, tables for Athena and the Glue Data Catalog
      tables    The system tables that are known, and their columns
      help      Print this message or the help of the given subcommand(s)

    Options:
          --config <FILE>        Configuration file; paths in it are relative to its folder [env:
                                 LOOKBACK_CONFIG=]
          --lake <LOCATION>      The lake, in place of the configured one
      -v, --verbose...           Log more: -v what is done, -vv every step
          --log-format <FORMAT>  How logs are written to stderr [default: text] [possible values: text,
                                 json]
      -h, --help                 Print help (see more with '--help')
      -V, --version              Print version
    ");
    let long = place.run(&["--help"]).await.expect(0).stdout;
    for command in COMMANDS {
        assert!(
            long.lines().any(|l| l.trim_start().starts_with(&format!("{command} "))),
            "{command} is not in:\n{long}"
        );
    }
    assert!(long.contains("Exit codes: 0 done; 1 something failed"), "{long}");
}

#[tokio::test]
async fn no_command_is_usage() {
    let ran = Place::new().run(&[]).await.expect(2);
    assert!(ran.stderr.contains("Usage: lookback"), "{}", ran.stderr);
    let ran = Place::new().run(&["exprot"]).await.expect(2);
    assert!(ran.stderr.contains("'export'"), "{}", ran.stderr);
}

#[tokio::test]
async fn help_names_nothing_internal() {
    let place = Place::new();
    let internal = [
        "lookback_",
        "lookback-exporter",
        "lookback-query",
        "lookback-simulator",
        "DataFusion",
        "datafusion",
        "deltalake",
        "tokio",
        "clap",
        "serde",
        "sqlparser",
        "rusqlite",
        "pgwire",
        "TODO",
        "FIXME",
        "::",
        "DESIGN",
        ".rs",
    ];
    for command in COMMANDS {
        for flag in ["-h", "--help"] {
            let help = place.run(&[command, flag]).await.expect(0).stdout;
            assert!(help.contains(&format!("Usage: lookback {command}")), "{help}");
            for word in internal {
                assert!(!help.contains(word), "`lookback {command} {flag}` says '{word}':\n{help}");
            }
            let first = help.lines().next().unwrap();
            assert!(first.len() > 15, "`lookback {command} {flag}` begins with '{first}'");
        }
    }
}
