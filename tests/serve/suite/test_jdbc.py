"""PostgreSQL's JDBC driver as it is, which Metabase, DBeaver and most of Java's tools bring: log-in, both protocols, metadata, limits."""

import datetime
import decimal
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import dbeaver
import jvm
from runner import free_ports

PLACE = dict(part.split("=", 1) for part in os.environ["LOOKBACK_SERVE_PG"].split())
USERS = json.loads(os.environ["LOOKBACK_SERVE_USERS"])
BINARY = os.environ["LOOKBACK_BINARY"]
COUNT = "SELECT COUNT(*) FROM stl_query"
SLOW = "SELECT COUNT(*) FROM range(0, 1000000) a JOIN range(0, 1000000) b ON a.value * b.value < -1"
# How the driver asks: its mode, and from which use of a statement on it is prepared; -1 is at once, with binary values.
WAYS = [("simple", 5), ("extended", 0), ("extended", 1), ("extended", -1), ("extendedForPrepared", 1), ("extendedCacheEverything", 1)]


def setUpModule():
    jvm.start()


def listening(process, port):
    """Waits until the server listens, or has ended."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        try:
            return socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server does not listen")


class Case(unittest.TestCase):
    def connect(self, place=PLACE, **properties):
        connection = jvm.connect(place, **properties)
        self.addCleanup(connection.close)
        return connection

    def one(self, connection, sql):
        (row,) = jvm.rows(connection.createStatement().executeQuery(sql))
        return row[0]

    def refused(self, state, function, *given):
        with self.assertRaises(jvm.java("java.sql.SQLException")) as caught:
            function(*given)
        self.assertEqual(caught.exception.getSQLState(), state, caught.exception.getMessage())
        return str(caught.exception.getMessage())


class LogIn(Case):
    def test_a_password_on_this_machine(self):
        connection = self.connect()
        self.assertGreater(self.one(connection, COUNT), 500)
        self.assertEqual(self.one(connection, "SELECT current_user"), "admin")
        self.assertTrue(connection.isValid(5))
        self.assertEqual((connection.getCatalog(), connection.getSchema()), ("lookback", "public"))
        self.refused("28P01", jvm.connect, PLACE | {"password": "wrong"})
        self.refused("28P01", jvm.connect, PLACE | {"user": "nobody"})
        viewer = self.connect(PLACE | {"user": "viewer", "password": USERS["viewer"]["password"]})
        self.assertGreater(self.one(viewer, COUNT), 500)
        self.refused("42501", self.one, viewer, "SELECT COUNT(*) FROM encryption_events")
        # There is no certificate, so what asks for TLS is not answered without.
        self.refused("08004", lambda: jvm.connect(PLACE, sslmode="require"))

    def test_what_tools_add_to_the_address_is_accepted(self):
        given = {"ApplicationName": "DBeaver 25.1.5 - Main <lookback>", "currentSchema": "public", "options": "-c statement_timeout=5000"}
        given |= {"assumeMinServerVersion": "9.4", "readOnly": "true", "targetServerType": "any", "tcpKeepAlive": "true"}
        given |= {"stringtype": "unspecified", "defaultRowFetchSize": 50, "reWriteBatchedInserts": "true"}
        connection = self.connect(**given)
        self.assertEqual(self.one(connection, "SHOW application_name"), given["ApplicationName"])
        self.assertEqual(self.one(connection, "SHOW statement_timeout"), "5s")
        self.assertEqual(self.one(connection, "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'"), "5000")

    def test_tls_with_the_name_and_the_authority_verified(self):
        pg, http = free_ports(2)
        with tempfile.TemporaryDirectory() as folder:
            certificate, key, authority = jvm.certificates(folder)
            # Beside the other configuration, because the lake's place is relative to it.
            base = Path(os.environ["LOOKBACK_SERVE_CONFIG"])
            before, section = base.read_text().split("[serve]\n")
            lines = section.split("\n", 2)[2]
            serve = f'[serve]\npg = "127.0.0.1:{pg}"\nhttp = "127.0.0.1:{http}"\ntls_cert = "{certificate}"\ntls_key = "{key}"\n'
            config = base.with_name("serve-tls.toml")
            config.write_text(before + serve + lines)
            process = subprocess.Popen([BINARY, "--config", config, "serve"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            try:
                listening(process, pg)
                place = PLACE | {"host": "localhost", "port": str(pg)}
                connection = self.connect(place, sslmode="verify-full", sslrootcert=authority)
                self.assertGreater(self.one(connection, COUNT), 500)
                self.refused("28000", lambda: jvm.connect(place, sslmode="disable"))
                # Begins without TLS, is refused, and goes on with it.
                self.assertEqual(self.one(self.connect(place, sslmode="allow"), "SELECT 1"), 1)
                # The certificate is for localhost, and no other authority has signed it.
                self.refused("08006", lambda: jvm.connect(place | {"host": "127.0.0.1"}, sslmode="verify-full", sslrootcert=authority))
                self.refused("08006", lambda: jvm.connect(place, sslmode="verify-ca", sslrootcert=base.with_name("etl-ca.pem")))
                self.refused("28P01", lambda: jvm.connect(place | {"password": "x"}, sslmode="verify-full", sslrootcert=authority))
            finally:
                process.terminate()
                process.wait(20)


class Values(Case):
    def test_every_type_of_the_lake_is_the_same_in_text_and_binary(self):
        plain, binary = self.connect(preferQueryMode="simple"), self.connect(prepareThreshold=-1)
        about = jvm.rows(plain.getMetaData().getColumns(None, "public", "%", "%"))
        tables = {str(row[2]) for row in jvm.rows(plain.getMetaData().getTables(None, "public", "%", ["TABLE"]))}
        wide, types = {}, set()
        for row in about:
            if str(row[2]) in tables:
                wide[str(row[2])] = wide.get(str(row[2]), 0) + 1
                types.add(str(row[5]))
        seen = set()
        for table in sorted(tables):
            order = ", ".join(str(at) for at in range(1, wide[table] + 1))
            sql = f"SELECT * FROM {table} ORDER BY {order} LIMIT 20"
            one = jvm.texts(plain.createStatement().executeQuery(sql))
            prepared = binary.prepareStatement(sql)
            for _ in range(2):
                answer = prepared.executeQuery()
                about = answer.getMetaData()
                names = [str(about.getColumnTypeName(at)) for at in range(1, about.getColumnCount() + 1)]
                other = jvm.texts(answer)
                self.assertEqual(one, other, table)
            self.assertTrue(prepared.unwrap(jvm.java("org.postgresql.PGStatement")).isUseServerPrepare())
            seen |= {name for at, name in enumerate(names) if any(row[at] is not None for row in other)}
        self.assertLessEqual({"int8", "varchar", "timestamp", "date"}, seen)
        self.assertLessEqual(seen, types)

    def test_types_have_the_classes_of_java(self):
        sql = (
            "SELECT query, 7::int, 7::smallint, querytxt, starttime, log_date, aborted = 0 AS b, 1.50::numeric(10,2) AS n, 0.5::float8, 0.25::real, "
            "NULL, '2026-01-02 03:04:05+00'::timestamptz, SUM(query) OVER (), AVG(1.5) OVER () FROM stl_query ORDER BY query LIMIT 1"
        )
        names = ["int8", "int4", "int2", "varchar", "timestamp", "date", "bool", "numeric", "float8", "float4", "varchar", "timestamptz", "int8"]
        for mode, threshold in WAYS:
            with self.subTest(mode=mode, threshold=threshold):
                statement = self.connect(preferQueryMode=mode, prepareThreshold=threshold).prepareStatement(sql)
                for _ in range(3):
                    answer = statement.executeQuery()
                    about = answer.getMetaData()
                    self.assertEqual([about.getColumnTypeName(at) for at in range(1, 14)], names)
                    answer.next()
                    self.assertEqual([answer.getObject(at) for at in (2, 3, 7, 9, 10, 11)], [7, 7, True, 0.5, 0.25, None])
                    self.assertEqual(str(answer.getBigDecimal(8)), "1.50")
                    self.assertEqual(answer.getTimestamp(12).getTime(), 1767323045000)
                    # What has no zone is what is written, wherever Java thinks that it is.
                    self.assertEqual(str(answer.getTimestamp(5)), str(answer.getString(5)))

    def test_parameters_of_every_type(self):
        sql_date, timestamp = jvm.java("java.sql.Date"), jvm.java("java.sql.Timestamp")
        number, local = jvm.java("java.math.BigDecimal"), jvm.java("java.time.LocalDateTime")
        with_zone = jvm.java("java.time.OffsetDateTime")
        everything = self.one(self.connect(), COUNT)
        first = jvm.rows(self.connect().createStatement().executeQuery("SELECT starttime, log_date, query, cluster_id FROM stl_query ORDER BY 1 LIMIT 1"))[0]
        moment, day, query, cluster = first
        instant = datetime.datetime.fromisoformat(str(moment).split(".")[0])
        for mode, threshold in WAYS:
            connection = self.connect(preferQueryMode=mode, prepareThreshold=threshold)

            def asked(condition, *values):
                statement = connection.prepareStatement(f"{COUNT} WHERE {condition}")
                counts = set()
                # Often enough that the driver prepares it.
                for _ in range(3):
                    for at, (kind, value) in enumerate(values, 1):
                        getattr(statement, f"set{kind}")(at, value)
                    counts.add(jvm.rows(statement.executeQuery())[0][0])
                (count,) = counts
                return count

            with self.subTest(mode=mode, threshold=threshold):
                self.assertEqual(asked("userid > ?", ("Int", 0)), everything)
                self.assertEqual(asked("userid > ? AND query < ?", ("Short", 0), ("Long", 2**40)), everything)
                self.assertIn(asked("query = ? AND cluster_id = ?", ("Long", query), ("String", cluster)), range(1, 3))
                self.assertEqual(asked("cluster_id <> ?", ("String", "it's; -- $1 ? é")), everything)
                self.assertEqual(asked("userid > ?", ("Double", 0.5)), everything)
                self.assertEqual(asked("userid > ?", ("BigDecimal", number("0.00"))), everything)
                self.assertGreater(asked("log_date = ?", ("Object", day.toLocalDate())), 0)
                self.assertEqual(asked("userid > ?", ("Null", 4)), 0)
                if mode == "simple":
                    # As text within the statement: a zone is refused there, and a truth is no text.
                    continue
                self.assertEqual(asked("(aborted >= 0) = ?", ("Boolean", True)), everything)
                self.assertEqual(asked("starttime > ?", ("Object", local.of(2020, 1, 2, 3, 4, 5))), everything)
                self.assertEqual(asked("log_date >= ?", ("Date", sql_date.valueOf("2020-01-02"))), everything)
                self.assertEqual(asked("log_date = ?", ("Date", day)), asked("log_date = ?", ("Object", day.toLocalDate())))
                self.assertEqual(asked("starttime = ?", ("Timestamp", moment)), asked("starttime = ?", ("Object", moment.toLocalDateTime())))
                self.assertGreater(asked("starttime = ?", ("Timestamp", moment)), 0)
                self.assertEqual(asked("starttime BETWEEN ? AND ?", ("Timestamp", moment), ("Timestamp", timestamp.valueOf("2090-01-01 00:00:00"))), everything)
                self.assertEqual(asked("DATE_TRUNC('day', starttime) >= ?", ("Date", sql_date.valueOf("2020-01-02"))), everything)
                # A time with a zone is a moment: the same wall clock further east is earlier.
                east = with_zone.parse(f"{instant.isoformat()}+05:30")
                utc = with_zone.parse(f"{(instant - datetime.timedelta(hours=jvm.HOURS_FROM_UTC)).isoformat()}Z")
                self.assertEqual(asked("starttime > ?", ("Object", east)), asked("starttime > ?", ("Object", utc)))
        echo = self.connect(prepareThreshold=-1).prepareStatement("SELECT ?, ?, ?, ?, ?, ?")
        for _ in range(2):
            echo.setInt(1, -7)
            echo.setLong(2, 2**40)
            echo.setString(3, "it's; é")
            echo.setBigDecimal(4, number("-1234567.89"))
            echo.setBoolean(5, False)
            echo.setDouble(6, 0.1)
            (row,) = jvm.rows(echo.executeQuery())
            self.assertEqual([row[0], row[1], row[2], decimal.Decimal(str(row[3])), row[4], row[5]], [-7, 2**40, "it's; é", decimal.Decimal("-1234567.89"), False, 0.1])

    def test_rows_come_in_pieces_within_a_transaction(self):
        connection = self.connect()
        everything = self.one(connection, COUNT)
        connection.setAutoCommit(False)
        forth, back = connection.createStatement(), connection.prepareStatement("SELECT query FROM stl_query WHERE userid >= ? ORDER BY 1 DESC")
        forth.setFetchSize(100)
        back.setFetchSize(7)
        back.setInt(1, 0)
        # Both at once, so that each goes on where it was.
        one, other = forth.executeQuery("SELECT query FROM stl_query ORDER BY 1"), back.executeQuery()
        read = []
        while one.next() and other.next():
            read.append((one.getLong(1), other.getLong(1)))
        self.assertEqual(len(read), everything)
        self.assertEqual([a for a, _ in read], [b for _, b in reversed(read)])
        connection.commit()
        for userid in range(12):
            # Left after the first piece, again and again: nothing of it stays.
            back.setInt(1, userid)
            left = back.executeQuery()
            left.next()
            left.close()
        connection.rollback()
        few = connection.createStatement()
        few.setMaxRows(10)
        self.assertEqual(len(jvm.rows(few.executeQuery("SELECT query FROM stl_query"))), 10)


class Metadata(Case):
    def setUp(self):
        self.connection = self.connect()
        self.about = self.connection.getMetaData()

    def of(self, result, *wanted):
        """The wanted columns of each row, as texts."""
        names = [label.upper() for label in jvm.labels(result)]
        return [[row[names.index(name)] for name in wanted] for row in jvm.texts(result)]

    def test_what_there_is(self):
        tables = self.of(self.about.getTables(None, "public", "%", ["TABLE", "VIEW"]), "TABLE_NAME", "TABLE_TYPE")
        self.assertIn(["stl_query", "TABLE"], tables)
        self.assertIn(["svl_qlog", "VIEW"], tables)
        self.assertEqual(self.of(self.about.getTables("lookback", "public", "stl\\_query", None), "TABLE_SCHEM", "TABLE_NAME"), [["public", "stl_query"]])
        schemas = [name for (name,) in self.of(self.about.getSchemas(), "TABLE_SCHEM")]
        self.assertEqual(schemas, ["information_schema", "pg_catalog", "public"])
        self.assertIn(["lookback"], self.of(self.about.getCatalogs(), "TABLE_CAT"))
        self.assertIn(["VIEW"], self.of(self.about.getTableTypes(), "TABLE_TYPE"))
        wanted = ["COLUMN_NAME", "TYPE_NAME", "DATA_TYPE", "NULLABLE", "IS_NULLABLE"]
        columns = {row[0]: row[1:] for row in self.of(self.about.getColumns(None, "public", "stl_query", "%"), *wanted)}
        types = jvm.java("java.sql.Types")
        for name, kind, number in [("query", "int8", types.BIGINT), ("querytxt", "varchar", types.VARCHAR), ("starttime", "timestamp", types.TIMESTAMP), ("log_date", "date", types.DATE)]:
            self.assertEqual(columns[name], [kind, str(number), "1", "YES"])
        types = {name for (name,) in self.of(self.about.getTypeInfo(), "TYPE_NAME")}
        self.assertLessEqual({"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "varchar", "date", "timestamp", "timestamptz"}, types)
        self.assertEqual((self.about.getDatabaseProductName(), self.about.getDatabaseMajorVersion()), ("PostgreSQL", 15))
        self.assertEqual(self.about.getUserName(), "admin")
        self.assertIn("analyze", str(self.about.getSQLKeywords()).split(","))

    def test_what_there_is_not_is_empty_and_no_error(self):
        about = self.about
        for answer in (
            lambda: about.getPrimaryKeys(None, "public", "stl_query"),
            lambda: about.getIndexInfo(None, "public", "stl_query", False, False),
            lambda: about.getImportedKeys(None, "public", "stl_query"),
            lambda: about.getExportedKeys(None, "public", "stl_query"),
            lambda: about.getCrossReference(None, "public", "stl_query", None, "public", "stl_scan"),
            lambda: about.getBestRowIdentifier(None, "public", "stl_query", 0, True),
            lambda: about.getTablePrivileges(None, "public", "stl_query"),
            lambda: about.getColumnPrivileges(None, "public", "stl_query", "%"),
            lambda: about.getProcedures(None, "public", "%"),
            lambda: about.getProcedureColumns(None, "public", "%", "%"),
            lambda: about.getFunctions(None, "public", "%"),
            lambda: about.getFunctionColumns(None, "public", "%", "%"),
            lambda: about.getUDTs(None, None, "%", None),
        ):
            self.assertEqual(jvm.rows(answer()), [])
        self.assertGreater(len(self.of(about.getVersionColumns(None, "public", "stl_query"), "COLUMN_NAME")), 0)

    def test_columns_of_an_answer(self):
        sql = "SELECT query, querytxt AS words, q.starttime, query + 1 FROM stl_query q WHERE userid = ? AND starttime > ? AND querytxt LIKE ?"
        statement = self.connection.prepareStatement(sql)
        about = statement.getMetaData()
        none = jvm.java("java.sql.ResultSetMetaData").columnNullableUnknown
        self.assertEqual([about.getColumnLabel(at) for at in range(1, 4)], ["query", "words", "starttime"])
        self.assertEqual([about.getColumnTypeName(at) for at in range(1, 5)], ["int8", "varchar", "timestamp", "int8"])
        # An answer is no part of a table to be written to, so it does not say which.
        self.assertEqual([(about.getTableName(at), about.isNullable(at), about.isAutoIncrement(at)) for at in range(1, 5)], [("", none, False)] * 4)
        given = statement.getParameterMetaData()
        self.assertEqual([given.getParameterTypeName(at) for at in range(1, 4)], ["int8", "timestamp", "varchar"])

    def test_dbeaver_connects_and_opens_a_table(self):
        connection = self.connect(ApplicationName="DBeaver 25.1.5 - Main <lookback>")
        connection.setAutoCommit(True)
        numbers = {
            "schema": self.one(connection, "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'public'"),
            "table": self.one(connection, "SELECT oid FROM pg_catalog.pg_class WHERE relname = 'stl_query'"),
        }
        self.assertEqual(numbers["schema"], 2200)
        answers = []
        for question in dbeaver.QUESTIONS:
            names = [name for name in numbers if f"{{{name}}}" in question]
            statement = connection.prepareStatement(question.format(schema="?", table="?"))
            for at, name in enumerate(names, 1):
                statement.setLong(at, numbers[name])
            answer = statement.executeQuery()
            about = answer.getMetaData()
            # It looks its types up, column by column.
            [about.getColumnClassName(at) for at in range(1, about.getColumnCount() + 1)]
            answers.append((question, jvm.labels(answer), jvm.texts(answer)))
        (columns,) = [(labels, rows) for question, labels, rows in answers if "dep.objid" in question]
        at = columns[0].index("attname")
        self.assertEqual([row[at] for row in columns[1]][:3], ["userid", "query", "label"])
        (relations,) = [(labels, rows) for question, labels, rows in answers if "partition_expr" in question]
        self.assertGreater(len(relations[1]), 60)
        self.assertEqual(relations[0][:2], ["oid", "oid"])
        self.assertEqual(len(answers[-1][2]), 200)


class Statements(Case):
    def test_a_statement_is_stopped_by_its_timeout_and_by_somebody(self):
        connection = self.connect()
        late = connection.createStatement()
        late.setQueryTimeout(1)
        self.refused("57014", late.executeQuery, SLOW)
        stopped = connection.createStatement()
        done = threading.Event()

        def cancel():
            while not done.is_set():
                stopped.cancel()
                done.wait(0.2)

        canceling = threading.Thread(target=cancel)
        canceling.start()
        try:
            self.refused("57014", stopped.executeQuery, SLOW)
        finally:
            done.set()
            canceling.join(30)
        self.assertEqual(self.one(connection, "SELECT 1"), 1)

    def test_what_writes_is_refused_and_the_connection_goes_on(self):
        connection = self.connect()
        for sql in (
            "DELETE FROM stl_query",
            "INSERT INTO stl_query (query) VALUES (1)",
            "UPDATE stl_query SET query = 1",
            "TRUNCATE stl_query",
            "DROP TABLE stl_query",
            "CREATE TABLE mine (a int)",
            "COPY stl_query FROM STDIN",
            "GRANT SELECT ON stl_query TO viewer",
        ):
            with self.subTest(sql=sql):
                self.refused("25006", connection.createStatement().executeUpdate, sql)
        for state, sql in [("42P01", "SELECT * FROM nothing"), ("42703", "SELECT nothing FROM stl_query"), ("42601", "SELEC 1"), ("22012", "SELECT 1 / 0")]:
            self.refused(state, connection.createStatement().executeQuery, sql)
        batch = connection.prepareStatement("INSERT INTO stl_query (query) VALUES (?)")
        for number in range(3):
            batch.setInt(1, number)
            batch.addBatch()
        with self.assertRaises(jvm.java("java.sql.BatchUpdateException")) as caught:
            batch.executeBatch()
        self.assertEqual((caught.exception.getSQLState(), len(caught.exception.getUpdateCounts())), ("25006", 3))
        self.assertGreater(self.one(connection, COUNT), 0)
        readable = connection.createStatement(1004, 1008)
        answer = readable.executeQuery("SELECT query FROM stl_query ORDER BY 1")
        answer.next()
        self.assertIn("primary", self.refused("24000", answer.updateLong, 1, 5))

    def test_transactions_savepoints_and_batches(self):
        connection = self.connect()
        connection.setReadOnly(True)
        connection.setAutoCommit(False)
        statement = connection.createStatement()
        self.assertGreater(self.one(connection, COUNT), 0)
        savepoint = connection.setSavepoint("before")
        self.refused("42703", statement.executeQuery, "SELECT nothing FROM stl_query")
        self.refused("25P02", statement.executeQuery, "SELECT 1")
        connection.rollback(savepoint)
        self.assertEqual(self.one(connection, "SELECT 2"), 2)
        connection.commit()
        connection.setAutoCommit(True)
        connection.setReadOnly(False)
        self.assertEqual(connection.getTransactionIsolation(), 2)
        for sql in ("SET query_group TO 'a'", "CREATE TEMP TABLE mine AS SELECT 1 AS a", "DROP TABLE mine"):
            statement.addBatch(sql)
        self.assertEqual(list(statement.executeBatch()), [0, 0, 0])
        several = []
        more = statement.execute("SELECT 1; SET query_group TO 'b'; SELECT 2")
        while more or statement.getUpdateCount() != -1:
            several.append(jvm.rows(statement.getResultSet()) if more else statement.getUpdateCount())
            more = statement.getMoreResults()
        self.assertEqual(several, [[[1]], 0, [[2]]])
        saving = self.connect(autosave="always")
        saving.setAutoCommit(False)
        self.assertEqual(self.one(saving, "SELECT 1"), 1)
        self.refused("42703", saving.createStatement().executeQuery, "SELECT nothing FROM stl_query")
        self.assertEqual(self.one(saving, "SELECT 2"), 2)

    def test_copy_gives_rows_and_takes_none(self):
        connection = self.connect().unwrap(jvm.java("org.postgresql.core.BaseConnection"))
        copying = jvm.java("org.postgresql.copy.CopyManager")(connection)
        written = jvm.java("java.io.StringWriter")()
        count = copying.copyOut("COPY (SELECT query, cluster_id FROM stl_query ORDER BY 1, 2) TO STDOUT WITH CSV HEADER", written)
        lines = str(written.toString()).splitlines()
        self.assertEqual((count, lines[0]), (len(lines) - 1, "query,cluster_id"))
        self.assertEqual(count, self.one(connection, COUNT))
        self.refused("25006", copying.copyIn, "COPY stl_query FROM STDIN", jvm.java("java.io.StringReader")("1\n"))
        self.assertEqual(self.one(connection, "SELECT 1"), 1)

    def test_escapes_of_jdbc(self):
        sql = "SELECT {fn concat('a', 'b')}, {fn ucase('x')}, {d '2026-01-02'}, {ts '2026-01-02 03:04:05'} FROM {oj stl_query a LEFT OUTER JOIN stl_query b ON a.query = b.query AND a.cluster_id = b.cluster_id} LIMIT 1"
        (row,) = jvm.texts(self.connect().createStatement().executeQuery(sql))
        self.assertEqual(row, ["ab", "X", "2026-01-02", "2026-01-02 03:04:05.0"])


if __name__ == "__main__":
    unittest.main()
