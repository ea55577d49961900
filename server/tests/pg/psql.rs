//! `psql` as it is, over the server: meta-commands, scripts, `\copy`. Debian's `postgresql-client` has it.

use std::process::Stdio;

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

async fn run(server: &Running, script: &str) -> (String, String, Option<i32>) {
    let psql = psql().expect("psql of Debian's postgresql-client is needed for this test");
    let mut command = Command::new(psql);
    let port = server.address.port().to_string();
    command.args([
        "-X",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        "ana",
        "-d",
        "lookback",
        "-f",
        "-",
    ]);
    command.env("PGCONNECT_TIMEOUT", "20").current_dir(server.folder());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let script = script.to_owned();
    let write = async move {
        tokio::io::AsyncWriteExt::write_all(&mut stdin, script.as_bytes()).await.unwrap();
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), write);
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[tokio::test]
async fn meta_commands_show_what_there_is() {
    let server = Running::start().await;
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
    ] {
        let (out, err, code) = run(&server, command).await;
        assert_eq!(code, Some(0), "{command}: {err}");
        for part in expected {
            assert!(out.contains(part), "{command}: '{part}' is not in\n{out}{err}");
        }
    }
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
