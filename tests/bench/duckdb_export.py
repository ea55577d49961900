"""duckdb_export.py CONNECTION TABLE FILE: a table of PostgreSQL into zstd Parquet, by DuckDB's postgres extension.
duckdb_export.py count GLOB: how many rows the Parquet files hold."""

import glob
import os
import sys

import duckdb


def export(connection, table, path):
    import duckdb_extension_postgres_scanner as package

    (extension,) = glob.glob(os.path.join(os.path.dirname(package.__file__), "extensions", "*", "*.duckdb_extension"))
    db = duckdb.connect()
    db.execute(f"LOAD '{extension}'")
    db.execute(f"ATTACH '{connection}' AS source (TYPE postgres, READ_ONLY)")
    db.execute(f"COPY (SELECT * FROM source.public.{table}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def count(pattern):
    print(duckdb.sql(f"SELECT count(*) FROM read_parquet('{pattern}', hive_partitioning = false)").fetchone()[0])


if sys.argv[1] == "count":
    count(sys.argv[2])
else:
    export(*sys.argv[1:])
