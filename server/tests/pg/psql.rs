//! `psql` as it is, over the server: meta-commands, scripts, `\copy`. Debian's `postgresql-client` has it.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::server::Running;

/// The newest psql of this machine; none if there is none.
fn psql() -> Option<std::path::PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> =
        versions.map(|version| version.path().join("bin/psql")).filter(|path| path.exists()).collect();
    found.sort();
    found.pop()
}

/// psql with what every call has.
fn command(server: &Running, arguments: &[&str]) -> Command {
    let psql = psql().expect("psql of Debian's postgresql-client is needed for this test");
    let mut command = Command::new(psql);
    let port = server.address.port().to_string();
    command.args(["-X", "-A", "-t", "-h", "127.0.0.1", "-p", &port, "-U", "ana", "-d", "lookback"]).args(arguments);
    command.env("PGCONNECT_TIMEOUT", "20").current_dir(server.folder());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn with(server: &Running, arguments: &[&str], script: &str) -> (String, String, Option<i32>) {
    let mut child = command(server, arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let script = script.to_owned();
    let write = async move {
        // It may have ended before it has read all.
        let _ = stdin.write_all(script.as_bytes()).await;
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), write);
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

async fn run(server: &Running, script: &str) -> (String, String, Option<i32>) {
    with(server, &["-v", "ON_ERROR_STOP=1", "-f", "-"], script).await
}

#[tokio::test]
async fn meta_commands_show_what_there_is() {
    let server = Running::start().await;
    let mut wrong = Vec::new();
    for (command, expected) in [
        (
            "\\d stl_query",
            vec!["querytxt|character varying|||", "starttime|timestamp without time zone|||", "log_date|date|||"],
        ),
        ("\\dt stl_q*", vec!["public|stl_query|table|", "public|stl_querytext|table|"]),
        ("\\dv svl_qlog", vec!["public|svl_qlog|view|"]),
        ("\\d+ stl_query", vec!["querytxt|character varying|"]),
        ("\\l", vec!["lookback|"]),
        ("\\dn", vec!["public|"]),
        ("\\du", vec!["local|"]),
        ("\\df nothing", vec![]),
        ("\\conninfo", vec!["database \"lookback\""]),
        ("\\d", vec!["public|stl_query|table|"]),
        ("\\di", vec![]),
        ("\\encoding", vec!["UTF8"]),
        ("\\dt+ stl_query", vec!["public|stl_query|table|"]),
        ("\\dv+ svl_qlog", vec!["public|svl_qlog|view|"]),
        ("\\d svl_qlog", vec!["query|bigint|"]),
        ("\\l+", vec!["lookback|"]),
        ("\\du+", vec!["local|"]),
        ("\\dTS int8", vec!["pg_catalog|bigint|"]),
        ("\\dfS version", vec!["pg_catalog|version|"]),
        ("\\dx", vec![]),
        ("\\dE", vec![]),
    ] {
        let (out, err, code) = run(&server, command).await;
        if code != Some(0) || !expected.iter().all(|part| out.contains(part)) {
            wrong.push(format!("{command}: {expected:?} is not in\n{out}{err}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn answers_go_where_they_are_sent() {
    let server = Running::start().await;
    let script = "SELECT COUNT(*) AS n, MIN(cluster_id) AS first, COUNT(*) > 0 AS any FROM stl_query \\gset\n\
                  \\echo :n :first\n\
                  SELECT 'SELECT ' || value FROM generate_series(1, 3) ORDER BY value \\gexec\n\
                  SELECT query, querytxt, starttime FROM stl_query \\gdesc\n\
                  SELECT 7 \\g 'seven.txt'\n\
                  SELECT 8 \\g | cat -n\n\
                  \\o 'nine.txt'\nSELECT 9;\n\\o\n\
                  \\set FETCH_COUNT 2\nSELECT query FROM stl_query ORDER BY 1;\n\\unset FETCH_COUNT\n\
                  SELECT 10 \\; SELECT 11;\n\
                  \\if :any\nSELECT 'some';\n\\else\nSELECT 'none';\n\\endif\n\
                  SELECT cluster_id, 'queries', COUNT(*) FROM stl_query GROUP BY 1 ORDER BY 1 \\crosstabview\n\
                  \\copy (SELECT query FROM stl_query WHERE query = 3) TO STDOUT\n";
    let (out, err, code) = run(&server, script).await;
    assert_eq!(code, Some(0), "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[..4], ["6 bi", "1", "2", "3"], "{out}");
    assert_eq!(lines[4..7], ["query|bigint", "querytxt|character varying", "starttime|timestamp without time zone"]);
    assert_eq!(lines[7].trim_start(), "1\t8", "{out}");
    let rest = lines[8..].join(",");
    assert!(rest.ends_with(",10,11,some,bi|3,etl|3,3"), "{out}");
    let file = |name: &str| std::fs::read_to_string(server.folder().join(name)).unwrap();
    assert_eq!((file("seven.txt"), file("nine.txt")), ("7\n".to_owned(), "9\n".to_owned()));
    assert_eq!(lines[8..].iter().take_while(|line| **line != "10").count(), 6, "FETCH_COUNT reads by a cursor: {out}");
}

#[tokio::test]
async fn a_script_goes_on_after_an_error_or_stops_as_it_is_told() {
    let server = Running::start().await;
    let write = |name: &str, text: &str| std::fs::write(server.folder().join(name), text).unwrap();
    write("inner.sql", "SELECT :'who';\nDELETE FROM stl_query;\nSELECT 2;\n");
    write("outer.sql", "SELECT 1;\n\\ir inner.sql\nSELECT 3;\n");
    let file = ["-v", "who=etl", "-f", "outer.sql"];
    let (out, err, code) = with(&server, &file, "").await;
    assert_eq!((out.as_str(), code), ("1\netl\n2\n3\n", Some(0)), "{err}");
    assert!(err.contains("inner.sql:2: ERROR:  DELETE is refused"), "{err}");
    let (out, _, code) = with(&server, &[&["-v", "ON_ERROR_STOP=1"], &file[..]].concat(), "").await;
    assert_eq!((out.as_str(), code), ("1\netl\n", Some(3)));
    // One transaction around all, which fails as a whole.
    let (out, err, code) = with(&server, &["-1", "-c", "SELECT 1", "-c", "SELECT nothing", "-c", "SELECT 2"], "").await;
    assert_eq!((out.as_str(), code), ("1\n", Some(1)), "{err}");
    let rolled = "\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT nothing;\nSELECT 5;\nCOMMIT;\n\\errverbose\n";
    let (out, err, code) = with(&server, &["-q", "-f", "-"], rolled).await;
    assert_eq!((out.as_str(), code), ("5\n", Some(0)), "{err}");
    assert!(err.contains("42703"), "{err}");
}

#[tokio::test]
async fn a_question_is_watched() {
    let server = Running::start().await;
    let mut child = command(&server, &["-q", "-P", "pager=off", "-f", "-"]).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT 'again' \\watch 0.05\n").await.unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut times = 0;
    while times < 3 {
        let line = lines.next_line().await.unwrap().expect("it goes on until it is stopped");
        times += usize::from(line.contains("again"));
    }
    child.kill().await.unwrap();
}

#[tokio::test]
async fn scripts_and_copy_run_as_over_redshift() {
    let server = Running::start().await;
    let script = "SET query_group TO 'audit';\n\
                  SET timezone = 'Europe/Berlin';\n\
                  BEGIN;\n\
                  CREATE TEMP TABLE slow AS SELECT TOP 3 query, DATEDIFF(second, starttime, endtime) AS s FROM stl_query ORDER BY 2 DESC;\n\
                  SELECT s FROM slow ORDER BY s DESC;\n\
                  COMMIT;\n\
                  \\set who etl\n\
                  SELECT COUNT(*) FROM stl_query WHERE cluster_id = :'who';\n\
                  \\copy (SELECT query, querytxt FROM stl_query WHERE query = 3) TO 'out.csv' WITH CSV HEADER\n\
                  SELECT 1 AS one, 2 AS two \\gx\n";
    let (out, err, code) = run(&server, script).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("600\n30\n"), "{out}");
    assert!(out.contains("\n3\nCOPY 1\none|1\ntwo|2\n"), "{out}");
    assert!(err.contains("NOTICE:  times are in UTC here"), "{err}");
    let copied = std::fs::read_to_string(server.folder().join("out.csv")).unwrap();
    assert_eq!(copied, "query,querytxt\n3,\"insert into t values ('é, \"\"x\"\"')\"\n");
    let (_, err, code) = run(&server, "SELECT 1;\nSELECT query\nFRM stl_query;\nSELECT 2;\n").await;
    assert_eq!(code, Some(3));
    assert!(err.contains("ERROR:") && err.contains("LINE "), "{err}");
}
