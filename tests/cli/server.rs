//! A PostgreSQL server that holds a system table: SCRAM passwords, no TLS, and another time zone than UTC.

use crate::postgres::Postgres;
use crate::support::{LOOKBACK, Place};

#[tokio::test]
async fn a_postgresql_server_is_exported_with_the_right_password_only() {
    let postgres = Postgres::start();
    let client = postgres.client().await;
    client
        .batch_execute(
            "CREATE TABLE stl_query (userid int, query int, querytxt char(4000), starttime timestamp, endtime timestamp);
             INSERT INTO stl_query SELECT 100, n, 'select ' || n, t - interval '1 second', t FROM (
                SELECT n, timezone('UTC', now()) - interval '3 hours' + n * interval '1 minute' AS t
                FROM generate_series(1, 5) AS n) AS rows",
        )
        .await
        .unwrap();
    let section = format!(
        "[clusters.pg]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\ndatabase = \"{}\"\npassword_env = \"PG\"\n",
        postgres.port(),
        postgres.user(),
        postgres.database()
    );
    let place = Place::with(&[&format!("{section}tls = \"plaintext\"\n")]);
    let export = async |password: &str| {
        let mut command = place.command(LOOKBACK);
        let output = command.arg("export").env("PG", password).output().await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, stderr) = export("s3cr3t-Xyzzy").await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("cluster 'pg'") && stderr.contains("check the cluster's user and password"), "{stderr}");
    assert!(!stderr.contains("s3cr3t-Xyzzy"), "{stderr}");
    for _ in 0..2 {
        let (code, stderr) = export(postgres.password()).await;
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(place.queries("pg").await, [1, 2, 3, 4, 5]);
    }
    // The default is TLS, which this server does not have.
    place.configure("", &[&section]);
    let (code, stderr) = export(postgres.password()).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("server does not support TLS") && stderr.contains("tls = \"plaintext\""), "{stderr}");
}
