"""Other readers of Delta tables see the rows that we see; what `catalog athena` and `catalog glue` write fits the lake and AWS.

- PyPI's `deltalake` (delta-rs) and DuckDB with its delta extension (the package duckdb-ext-delta) read every table of the lake.
- Athena's statements are parsed by sqlglot; its views are translated to DuckDB's SQL and run over the same tables.
- Glue's inputs are checked against botocore's model of the service.

AWS itself is not asked.
"""

import json
import os
import subprocess
import unittest
from pathlib import Path

LAKE = os.environ.get("LOOKBACK_SERVE_LAKE")
BINARY = os.environ.get("LOOKBACK_BINARY", "lookback")
PLACE = ["--location", "s3://example-lake/lake"]


def duck():
    """DuckDB with its delta extension from the package: nothing is fetched."""
    import duckdb
    import duckdb_ext

    (extension,) = (f for folder in duckdb_ext.__path__ for f in Path(folder).rglob("delta.duckdb_extension"))
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"LOAD '{extension}'")
    return connection


@unittest.skipUnless(LAKE, "LOOKBACK_SERVE_LAKE names no lake")
class Readers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.duck = duck()
        for table in cls.tables():
            cls.duck.execute(f"CREATE VIEW {table} AS SELECT * FROM delta_scan('{Path(LAKE) / table}')")

    @classmethod
    def tables(cls):
        return sorted(path.parent.name for path in Path(LAKE).glob("*/_delta_log"))

    def ours(self, sql):
        ran = subprocess.run([BINARY, "--lake", LAKE, "sql", "--format", "json", sql], capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return json.loads(ran.stdout)

    def catalog(self, *arguments):
        ran = subprocess.run([BINARY, "--lake", LAKE, "catalog", *arguments, *PLACE], capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout

    def statements(self, *arguments):
        """What is written for Athena, each statement parsed by itself: views are in another grammar than tables."""
        import sqlglot

        texts = self.catalog("athena", *arguments).split(";\n")
        return [sqlglot.parse_one(text, read="athena") for text in texts if text.strip()]

    def counts(self):
        parts = [f"SELECT '{table}' AS name, COUNT(*) AS n FROM {table}" for table in self.tables()]
        return {row["name"]: row["n"] for row in self.ours(" UNION ALL ".join(parts))}

    def test_every_table_has_as_many_rows_for_other_readers(self):
        from deltalake import DeltaTable, QueryBuilder

        counts = self.counts()
        self.assertGreater(len(counts), 10)
        self.assertGreater(sum(counts.values()), 1000)
        for table, count in counts.items():
            with self.subTest(table=table):
                reader = QueryBuilder().register("it", DeltaTable(str(Path(LAKE) / table)))
                read = reader.execute("SELECT COUNT(*) AS n FROM it").read_all()
                self.assertEqual(read.column("n")[0].as_py(), count, "deltalake")
                self.assertEqual(self.duck.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0], count, "DuckDB")

    def test_protocol_is_one_that_every_reader_has(self):
        from deltalake import DeltaTable

        for table in self.tables():
            protocol = DeltaTable(str(Path(LAKE) / table)).protocol()
            self.assertEqual((protocol.min_reader_version, protocol.min_writer_version), (1, 2), table)

    def test_values_are_the_same_for_other_readers(self):
        sql = "SELECT cluster_id, log_date, COUNT(*) AS n, MIN(query) AS low, MAX(query) AS high FROM stl_query GROUP BY cluster_id, log_date ORDER BY 1, 2"
        here = [(r["cluster_id"], str(r["log_date"])[:10], r["n"], r["low"], r["high"]) for r in self.ours(sql)]
        there = [(c, str(d), n, low, high) for c, d, n, low, high in self.duck.execute(sql).fetchall()]
        self.assertEqual(here, there)
        moments = "FROM stl_query WHERE starttime > '2001-01-01'"
        here = self.ours(f"SELECT SUM(DATEDIFF(us, CAST('2000-01-01' AS TIMESTAMP), starttime)) AS us {moments}")[0]["us"]
        there = self.duck.execute(f"SELECT SUM(date_diff('microsecond', TIMESTAMPTZ '2000-01-01 00:00:00+00', starttime)) {moments}")
        self.assertEqual(int(here), there.fetchone()[0])

    def test_the_views_for_athena_run_and_agree_with_us(self):
        views = [s for s in self.statements("--database", "main") if s.args.get("kind") == "VIEW"]
        self.assertGreaterEqual(len(views), 4)
        asked = {}
        for view in views:
            name = view.this.name
            # DuckDB's own database has the name of Athena's here.
            sql = view.expression.sql(dialect="duckdb")
            with self.subTest(view=name):
                asked[name] = self.duck.execute(f"SELECT COUNT(*) FROM ({sql}) AS v").fetchone()[0]
        counts = self.counts()
        self.assertEqual(asked["queries"], counts["stl_query"])
        self.assertEqual(asked["query_texts"], self.ours("SELECT COUNT(*) AS n FROM (SELECT DISTINCT cluster_id, log_date, query FROM stl_querytext) AS d")[0]["n"])
        self.assertEqual(asked["coverage"], self.ours("SELECT COUNT(*) AS n FROM (SELECT DISTINCT cluster_id, table_name FROM lookback_export_runs WHERE kind <> 'compact') AS d")[0]["n"])

    def test_athena_gets_a_table_for_each_and_a_parser_takes_it(self):
        made = {s.this.name: s for s in self.statements() if s.args.get("kind") == "TABLE"}
        self.assertEqual(sorted(made), self.tables())
        for table, statement in made.items():
            written = statement.sql(dialect="athena")
            self.assertIn(f"s3://example-lake/lake/{table}/", written)
            self.assertIn("'table_type'='DELTA'", written.replace(" ", ""))

    def test_glue_takes_every_definition(self):
        from botocore.session import Session
        from botocore.validate import ParamValidator

        model = Session().get_service_model("glue")
        document = json.loads(self.catalog("glue", "--all"))

        def check(operation, given):
            report = ParamValidator().validate(given, model.operation_model(operation).input_shape)
            self.assertFalse(report.has_errors(), report.generate_report())

        check("CreateDatabase", document["Database"])
        self.assertGreater(len(document["Tables"]), 60)
        for table in document["Tables"]:
            check("CreateTable", table)

    def test_glue_has_the_columns_that_a_delta_reader_sees(self):
        from deltalake import DeltaTable

        names = {"long": "bigint", "integer": "int", "double": "double", "boolean": "boolean", "string": "string", "timestamp": "timestamp", "date": "date"}
        for table in json.loads(self.catalog("glue"))["Tables"]:
            given = table["TableInput"]
            delta = DeltaTable(str(Path(LAKE) / given["Name"]))
            kinds = {f["name"]: f["type"] for f in json.loads(delta.schema().to_json())["fields"]}
            columns = given["StorageDescriptor"]["Columns"] + given["PartitionKeys"]
            self.assertEqual({c["Name"]: c["Type"] for c in columns}, {n: names.get(k, k) for n, k in kinds.items()}, given["Name"])
            self.assertEqual([c["Name"] for c in given["PartitionKeys"]], delta.metadata().partition_columns, given["Name"])


if __name__ == "__main__":
    unittest.main()
