#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use super::notices;
use crate::dialect::parse;

fn said(sql: &str) -> Vec<String> {
    let statement = parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).pop_front().unwrap();
    notices(&statement).iter().map(ToString::to_string).collect()
}

#[test]
fn a_join_on_an_id_alone_is_noticed_with_its_line() {
    assert_eq!(
        said("SELECT 1\nFROM stl_query q\nJOIN stl_scan s\n  ON q.query = s.query"),
        ["line 4: joined on query but not on cluster_id: ids of different clusters are mixed"]
    );
    for (sql, want) in [
        ("SELECT 1 FROM stl_query JOIN stl_scan USING (query)", 1),
        ("SELECT 1 FROM stl_query q, stl_scan s WHERE q.query = s.query AND q.userid > 1", 1),
        (
            "SELECT 1 FROM stl_query q LEFT JOIN pg_catalog.stl_ddltext d ON (q.xid = d.xid) JOIN stl_scan s ON s.query = q.query",
            2,
        ),
        ("SELECT 1 FROM stl_ddltext a JOIN stl_query b USING (pid)", 1),
        ("WITH s AS (SELECT * FROM stl_scan) SELECT 1 FROM stl_query q JOIN s ON q.query = s.query", 1),
        ("SELECT 1 FROM stl_query q JOIN (SELECT query, sum(rows) FROM stl_scan GROUP BY 1) s ON q.query = s.query", 2),
        (
            "SELECT 1 FROM stl_query a WHERE a.query IN (SELECT q.query FROM stl_query q JOIN stl_scan s USING (query))",
            1,
        ),
        ("SELECT 1 FROM stl_query q JOIN stl_scan s USING (query) WHERE q.cluster_id = 'a'", 1),
        ("SELECT 1 FROM stl_query q JOIN stl_scan s USING (query) WHERE q.cluster_id = 'a' AND s.cluster_id = 'b'", 1),
        ("SELECT 1 FROM stl_query q JOIN stl_scan s USING (query) WHERE q.cluster_id = s.cluster_id OR q.query = 1", 1),
        ("SELECT 1 FROM stl_query q JOIN (SELECT query FROM stl_scan) s USING (query) WHERE cluster_id = 'a'", 1),
        ("EXPLAIN SELECT 1 FROM stl_query JOIN stl_scan USING (query)", 1),
        ("CREATE VIEW v AS SELECT 1 FROM stl_query JOIN stl_scan USING (query)", 1),
    ] {
        assert_eq!(said(sql).len(), want, "{sql}: {:?}", said(sql));
    }
}

#[test]
fn a_join_within_a_cluster_is_not() {
    for sql in [
        "SELECT 1 FROM stl_query JOIN stl_scan USING (cluster_id, query)",
        "SELECT 1 FROM stl_query NATURAL JOIN stl_scan",
        "SELECT 1 FROM stl_query q JOIN stl_scan s ON q.query = s.query AND s.cluster_id = q.cluster_id",
        "SELECT 1 FROM stl_query q, stl_scan s WHERE (q.cluster_id, q.query) = (s.cluster_id, s.query)",
        "SELECT 1 FROM stl_query q JOIN stl_scan s ON q.query = s.query WHERE q.cluster_id = 'a' AND s.cluster_id = 'a'",
        "SELECT 1 FROM stl_query q JOIN stl_scan s ON q.query = s.query AND s.cluster_id IN ('a') WHERE 'a' = q.cluster_id",
        "SELECT 1 FROM stl_query a JOIN stl_scan b USING (cluster_id, query) JOIN stl_dist c USING (cluster_id, query)",
        "SELECT 1 FROM stl_query a JOIN stl_scan b USING (cluster_id) JOIN stl_dist c ON c.cluster_id = a.cluster_id AND c.query = b.query",
        "WITH a AS (SELECT query FROM stl_query WHERE cluster_id = 'x'), b AS (SELECT query FROM stl_scan WHERE cluster_id = 'x') \
         SELECT 1 FROM a JOIN b USING (query)",
        "SELECT 1 FROM stl_query q JOIN stl_scan s USING (query) WHERE cluster_id = 'a'",
        "SELECT 1 FROM stl_query q JOIN (VALUES (1)) v (query) ON q.query = v.query",
        "SELECT 1 FROM stl_query q JOIN stl_scan s ON q.userid = s.userid",
        "SELECT query FROM stl_query",
    ] {
        assert_eq!(said(sql), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn a_group_by_an_id_alone_is_noticed() {
    assert_eq!(
        said("SELECT query, count(*)\nFROM stl_scan\nGROUP BY query"),
        ["line 3: grouped by query but not by cluster_id: rows of different clusters are put together"]
    );
    for (sql, want) in [
        ("SELECT s.xid, count(*) FROM stl_query s GROUP BY 1", 1),
        ("SELECT cluster_id, query FROM stl_scan GROUP BY 1, 2", 0),
        ("SELECT query FROM stl_scan WHERE cluster_id = 'a' GROUP BY query", 0),
        ("SELECT userid FROM stl_scan GROUP BY userid", 0),
        ("SELECT query FROM (VALUES (1)) v (query) GROUP BY query", 0),
    ] {
        assert_eq!(said(sql).len(), want, "{sql}: {:?}", said(sql));
    }
}
