"""PostgreSQL's wire protocol as the drivers of Python use it: psycopg 3, asyncpg, SQLAlchemy."""

import asyncio
import datetime
import decimal
import json
import os
import unittest

import asyncpg
import psycopg
import sqlalchemy
from psycopg.rows import dict_row

PG = os.environ["LOOKBACK_SERVE_PG"]
USERS = json.loads(os.environ["LOOKBACK_SERVE_USERS"])
PLACE = dict(part.split("=", 1) for part in PG.split())
URL = f"{PLACE['user']}:{PLACE['password']}@{PLACE['host']}:{PLACE['port']}/{PLACE['dbname']}"
COUNT = "SELECT COUNT(*) FROM stl_query"


def as_user(name):
    return f"{PG} user={name} password={USERS[name]['password']}"


class Psycopg(unittest.TestCase):
    def setUp(self):
        self.connection = psycopg.connect(PG, autocommit=True)
        self.addCleanup(self.connection.close)

    def one(self, sql, values=None, **how):
        return self.connection.execute(sql, values, **how).fetchone()

    def test_values_have_the_types_of_python(self):
        sql = "SELECT query, querytxt, starttime, log_date, aborted = 0, 1.50::numeric(10,2), 0.5::float8, NULL FROM stl_query LIMIT 1"
        types = [int, str, datetime.datetime, datetime.date, bool, decimal.Decimal, float, type(None)]
        for binary in (False, True):
            row = self.one(sql, binary=binary)
            self.assertEqual([type(value) for value in row], types)
            self.assertIsNone(row[2].tzinfo)

    def test_parameters_of_every_type(self):
        oldest, newest = self.one("SELECT MIN(starttime), MAX(starttime) FROM stl_query")
        everything = self.one(COUNT)[0]
        self.assertGreater(everything, 500)
        between = self.one(f"{COUNT} WHERE starttime BETWEEN %s AND %s", (oldest, newest))[0]
        self.assertEqual(between, everything)
        for binary in ("%s", "%b"):
            sql = f"SELECT {binary}::bigint, {binary}::varchar, {binary}::float8, {binary}::date, {binary}::boolean"
            values = (2**40, "it's; --", 0.1, datetime.date(2026, 1, 2), True)
            self.assertEqual(self.one(sql, values), values)
        clusters = [row[0] for row in self.connection.execute("SELECT DISTINCT cluster_id FROM stl_query ORDER BY 1")]
        counts = [self.one(f"{COUNT} WHERE cluster_id = %s", (cluster,))[0] for cluster in clusters]
        self.assertEqual(sum(counts), everything)
        self.assertEqual(self.one(f"{COUNT} WHERE userid > %s AND querytxt ILIKE %s LIMIT %s", (0, "%", 5))[0] > 0, True)

    def test_a_statement_that_is_asked_often_is_prepared(self):
        for number in range(12):
            row = self.one("SELECT COUNT(*) FROM stl_query WHERE query = %s", (number,))
            self.assertIn(row[0], range(0, 10))

    def test_a_named_cursor_takes_rows_in_parts(self):
        with psycopg.connect(PG) as connection, connection.cursor(name="all rows") as cursor:
            cursor.itersize = 100
            cursor.execute("SELECT query, cluster_id FROM stl_query ORDER BY 1, 2")
            rows = cursor.fetchmany(10) + list(cursor)
        self.assertEqual(len(rows), self.one(COUNT)[0])

    def test_copy_and_dictionaries(self):
        with self.connection.cursor() as cursor, cursor.copy("COPY (SELECT query, cluster_id FROM stl_query) TO STDOUT") as copy:
            rows = list(copy.rows())
        self.assertEqual(len(rows), self.one(COUNT)[0])
        with self.connection.cursor(row_factory=dict_row) as cursor:
            self.assertEqual(set(cursor.execute("SELECT query, xid FROM stl_query LIMIT 1").fetchone()), {"query", "xid"})

    def test_errors_are_those_of_the_driver(self):
        for sql, kind in [
            ("SELECT * FROM stl_quer", psycopg.errors.UndefinedTable),
            ("SELECT quer FROM stl_query", psycopg.errors.UndefinedColumn),
            ("SELEC 1", psycopg.errors.SyntaxError),
            ("DELETE FROM stl_query", psycopg.errors.ReadOnlySqlTransaction),
        ]:
            with self.subTest(sql=sql), self.assertRaises(kind):
                self.connection.execute(sql)
        with self.assertRaises(psycopg.OperationalError):
            psycopg.connect(f"{PG} password=wrong")
        with psycopg.connect(as_user("viewer"), autocommit=True) as viewer:
            self.assertGreater(viewer.execute(COUNT).fetchone()[0], 0)
            with self.assertRaises(psycopg.errors.InsufficientPrivilege):
                viewer.execute("SELECT COUNT(*) FROM encryption_events")

    def test_a_pipeline_and_a_transaction(self):
        with self.connection.pipeline():
            cursors = [self.connection.execute("SELECT %s::int + 1", (number,)) for number in range(20)]
        self.assertEqual([cursor.fetchone()[0] for cursor in cursors], list(range(1, 21)))
        with psycopg.connect(PG) as connection:
            with connection.transaction(), connection.transaction():
                self.assertEqual(connection.execute("SELECT 1").fetchone(), (1,))
            with self.assertRaises(psycopg.Error):
                connection.execute("SELECT nothing FROM stl_query")
            connection.rollback()
            self.assertEqual(connection.execute("SELECT 2").fetchone(), (2,))

    def test_a_statement_is_canceled(self):
        self.connection.execute("SET statement_timeout = '200ms'")
        with self.assertRaises(psycopg.errors.QueryCanceled):
            self.connection.execute("SELECT COUNT(*) FROM range(0, 1000000) a JOIN range(0, 1000000) b ON a.value * b.value < -1")
        self.assertEqual(self.one("SHOW statement_timeout"), ("200ms",))


class Asyncpg(unittest.IsolatedAsyncioTestCase):
    async def test_prepared_binary_rows_cursors_and_a_pool(self):
        place = {"host": PLACE["host"], "port": PLACE["port"], "user": PLACE["user"], "password": PLACE["password"], "database": "lookback"}
        async with asyncpg.create_pool(**place, min_size=2, max_size=5) as pool:
            everything = await pool.fetchval(COUNT)
            self.assertGreater(everything, 500)
            row = await pool.fetchrow("SELECT query, querytxt, starttime, log_date, 1.5::numeric(5,1) AS n FROM stl_query LIMIT 1")
            self.assertEqual([type(value) for value in row.values()], [int, str, datetime.datetime, datetime.date, decimal.Decimal])
            since = datetime.datetime(2000, 1, 1)
            counts = await asyncio.gather(*(pool.fetchval(f"{COUNT} WHERE starttime > $1 AND userid >= $2", since, 0) for _ in range(20)))
            self.assertEqual(set(counts), {everything})
            async with pool.acquire() as connection, connection.transaction():
                rows = [row async for row in connection.cursor("SELECT query FROM stl_query", prefetch=100)]
                self.assertEqual(len(rows), everything)
                self.assertEqual(connection.get_server_version()[0], 15)
            with self.assertRaises(asyncpg.exceptions.UndefinedTableError):
                await pool.fetch("SELECT * FROM nothing")


class SqlAlchemy(unittest.TestCase):
    def test_reflection_and_expressions(self):
        engine = sqlalchemy.create_engine(f"postgresql+psycopg://{URL}")
        self.addCleanup(engine.dispose)
        inspector = sqlalchemy.inspect(engine)
        self.assertIn("public", inspector.get_schema_names())
        self.assertIn("stl_query", inspector.get_table_names())
        self.assertIn("svl_qlog", inspector.get_view_names())
        columns = {column["name"]: column["type"] for column in inspector.get_columns("stl_query")}
        self.assertIsInstance(columns["starttime"], sqlalchemy.TIMESTAMP)
        self.assertIsInstance(columns["querytxt"], sqlalchemy.VARCHAR)
        self.assertIsInstance(columns["query"], sqlalchemy.Integer)
        self.assertEqual(inspector.get_pk_constraint("stl_query")["constrained_columns"], [])
        self.assertEqual(inspector.get_foreign_keys("stl_query"), [])
        self.assertEqual(inspector.get_indexes("stl_query"), [])
        table = sqlalchemy.Table("stl_query", sqlalchemy.MetaData(), autoload_with=engine)
        count = sqlalchemy.func.count()
        question = sqlalchemy.select(table.c.cluster_id, count).where(table.c.userid > 0).group_by(table.c.cluster_id)
        with engine.connect() as connection:
            rows = connection.execute(question.order_by(count.desc()).limit(5)).all()
            self.assertEqual(len(rows), 2)
            self.assertGreater(rows[0][1], 0)


if __name__ == "__main__":
    unittest.main()
