"""query_peer.py duckdb|chdb|delta-rs LAKE: another engine's side of `query`, as query_worker.rs is lookback's.

Reads statements from standard input, one a line, and answers each with a line of JSON. DuckDB and chDB see the tables as views
of all their Parquet files, with the partition columns of the folders' names, and keep what they can of files and footers.
delta-rs reads the Delta log, and its own table provider plans and scans for DataFusion."""

import json
import os
import sys
import time

TABLES = ["stl_query", "stl_scan", "stl_alert_event_log", "stl_wlm_query"]


def duckdb_engine(lake):
    import duckdb

    began = time.monotonic()
    db = duckdb.connect()
    db.execute("SET parquet_metadata_cache = true")
    db.execute("SET TimeZone = 'UTC'")
    for table in TABLES:
        db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{lake}/{table}/cluster_id=*/log_date=*/*.parquet', "
                   "hive_partitioning = true, hive_types = {'cluster_id': VARCHAR, 'log_date': DATE})")

    def ask(sql):
        cursor = db.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    return began, ask


def chdb_engine(lake):
    from chdb.session import Session

    began = time.monotonic()
    db = Session()
    # `database` is a column of stl_query: a view of a table function keeps the names as they are.
    for table in TABLES:
        db.query(f"CREATE VIEW {table} AS SELECT * FROM file('{lake}/{table}/cluster_id=*/log_date=*/*.parquet', Parquet) "
                 "SETTINGS use_hive_partitioning = 1")

    def ask(sql):
        text = db.query(sql, "JSONEachRow").bytes().decode()
        return [json.loads(line) for line in text.splitlines()]

    return began, ask


def delta_rs_engine(lake):
    from deltalake import DeltaTable, QueryBuilder

    began = time.monotonic()
    builder = QueryBuilder()
    for table in TABLES:
        builder.register(table, DeltaTable(os.path.join(lake, table)))
    return began, lambda sql: builder.execute(sql).read_all().to_struct_array().to_pylist()


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmHWM:"))


def main():
    engine, lake = sys.argv[1:]
    began, ask = {"duckdb": duckdb_engine, "chdb": chdb_engine, "delta-rs": delta_rs_engine}[engine](os.path.abspath(lake))
    # An engine may print to standard output: answers go to what that was.
    out = os.fdopen(os.dup(1), "w")
    print(json.dumps({"seconds": time.monotonic() - began}), file=out, flush=True)
    for sql in sys.stdin:
        began = time.monotonic()
        rows = ask(sql)
        seconds = time.monotonic() - began
        print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak_mb()}, default=str), file=out, flush=True)


main()
