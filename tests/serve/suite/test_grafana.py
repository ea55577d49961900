"""The generated dashboards: their models hold together, and every statement runs over the wire as Grafana would send it.

Grafana itself is not here. What it does with a statement is done as its sources do it: variables are put in first, in the format that
the statement asks for, then the macros of the PostgreSQL data source. What is sent has to be answered by the server.
"""

import datetime
import json
import os
import re
import unittest
import urllib.parse
from pathlib import Path

DASHBOARDS = Path(__file__).resolve().parents[3] / "deploy" / "grafana" / "dashboards"
PLUGIN = "grafana-postgresql-datasource"
# Panels that come with Grafana 11 and 12.
PANELS = {"barchart", "heatmap", "stat", "state-timeline", "table", "timeseries"}
WIRE = os.environ.get("LOOKBACK_SERVE_PG")


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def sqlstring(values):
    return ",".join("'" + v.replace("'", "''").replace('"', '\\"') + "'" for v in values)


def percentencode(value):
    return urllib.parse.quote(value, safe="-_.~")


def variables(board, clusters=None):
    """Name -> formats, with the values that the dashboard opens with, or these clusters."""
    found = {}
    for variable in board["templating"]["list"]:
        name = variable["name"]
        if variable["type"] == "textbox":
            found[name] = {"percentencode": percentencode(variable["current"]["value"])}
        elif variable["type"] == "query":
            # A custom "all" goes in as it is written.
            found[name] = {"sqlstring": sqlstring(clusters) if clusters else variable["allValue"]}
    return found


def stamp(moment):
    return "'" + moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ") + "'"


def complete(sql, values, begin, end):
    """What is sent for a statement."""

    def variable(found):
        name, form = found.group(1), found.group(2)
        return values[name][form]

    sql = re.sub(r"\$\{(\w+):(\w+)\}", variable, sql)

    def macro(found):
        made = {"__timeFrom": stamp(begin), "__timeTo": stamp(end)}
        return made[found.group(1)]

    return re.sub(r"\$(__[_a-zA-Z0-9]+)\(([^)]*)\)", macro, sql)


class Models(unittest.TestCase):
    def test_there_are_dashboards_with_uids_of_their_own(self):
        found = dashboards()
        self.assertGreaterEqual(len(found), 9)
        self.assertEqual(len({board["uid"] for board in found.values()}), len(found))
        for name, board in found.items():
            self.assertLessEqual(len(board["uid"]), 40, name)
            self.assertRegex(board["uid"], r"^[a-zA-Z0-9_-]+$", name)
            self.assertEqual(board["timezone"], "utc", name)
            self.assertIsNone(board["id"], name)
            self.assertGreaterEqual(board["schemaVersion"], 39, name)
            for key in ("title", "tags", "time", "templating", "panels", "annotations", "version"):
                self.assertIn(key, board, name)

    def test_panels_are_whole_and_do_not_lie_on_each_other(self):
        for name, board in dashboards().items():
            ids, taken = set(), set()
            for panel in board["panels"]:
                where = f"{name}: {panel['title']}"
                self.assertIn(panel["type"], PANELS, where)
                self.assertIn({"type": "panel", "id": panel["type"], "name": panel["type"], "version": ""}, board["__requires"], where)
                self.assertTrue(panel["description"], where)
                self.assertNotIn(panel["id"], ids, where)
                ids.add(panel["id"])
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24, where)
                cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(cells & taken, where)
                taken |= cells
                self.assertEqual(panel["datasource"]["type"], PLUGIN, where)
                (target,) = panel["targets"]
                self.assertEqual(target["datasource"], panel["datasource"], where)
                self.assertTrue(target["rawQuery"], where)
                self.assertIn(target["format"], ("table", "time_series"), where)
                self.assertIn("defaults", panel["fieldConfig"], where)

    def test_variables_are_used_and_those_that_are_used_are_there(self):
        for name, board in dashboards().items():
            defined = {variable["name"] for variable in board["templating"]["list"]}
            used = {v for v in re.findall(r"\$\{(\w+)", json.dumps(board["panels"])) if not v.startswith("__")}
            self.assertEqual(used, defined, name)

    def test_links_lead_to_dashboards_that_are_there(self):
        uids = {board["uid"] for board in dashboards().values()}
        for name, board in dashboards().items():
            for uid in re.findall(r"/d/([\w-]+)\?", json.dumps(board["panels"])):
                self.assertIn(uid, uids, name)


@unittest.skipUnless(WIRE, "LOOKBACK_SERVE_PG names no server")
class Statements(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import psycopg

        cls.connection = psycopg.connect(WIRE, autocommit=True)
        cls.addClassCleanup(cls.connection.close)
        cls.end = datetime.datetime.now(datetime.timezone.utc)
        cls.begin = cls.end - datetime.timedelta(days=7)

    def ask(self, sql):
        cursor = self.connection.cursor()
        cursor.execute(sql)
        return [column.name for column in cursor.description], cursor.fetchall()

    def test_every_statement_runs_and_some_have_rows(self):
        clusters = [row[0] for row in self.ask("SELECT DISTINCT cluster_id FROM lookback_clusters ORDER BY 1")[1]]
        self.assertTrue(clusters, "the lake has no clusters")
        with_rows = set()
        for name, board in dashboards().items():
            for panel in board["panels"]:
                # All clusters and a choice of them, in turn.
                chosen = clusters[:2] if panel["id"] % 2 else None
                (target,) = panel["targets"]
                sql = complete(target["rawSql"], variables(board, chosen), self.begin, self.end)
                self.assertNotRegex(sql, r"\$\{|\$__", panel["title"])
                with self.subTest(dashboard=name, panel=panel["title"], clusters=chosen):
                    columns, rows = self.ask(sql)
                    if rows:
                        with_rows.add((name, panel["title"]))
                    if target["format"] == "time_series":
                        self.assertEqual(columns[:2], ["time", "metric"])
                        self.series(rows)
        self.assertGreater(len(with_rows), 25, sorted(with_rows))

    def series(self, rows):
        """Long form as Grafana takes it: sorted by time, one value for each time and name, times and numbers of those types."""
        self.assertEqual(rows, sorted(rows, key=lambda row: (row[0], row[1])))
        self.assertEqual(len({row[:2] for row in rows}), len(rows))
        for moment, metric, value in rows:
            self.assertIsInstance(moment, datetime.datetime)
            self.assertIsInstance(metric, str)
            float(value)

    def test_the_list_of_clusters_is_what_the_variable_asks_for(self):
        for name, board in dashboards().items():
            for variable in board["templating"]["list"]:
                if variable["type"] == "query":
                    columns, rows = self.ask(variable["query"])
                    self.assertEqual(columns, ["cluster_id"], name)
                    self.assertTrue(rows, name)

    def test_one_cluster_shows_no_rows_of_others(self):
        clusters = [row[0] for row in self.ask("SELECT DISTINCT cluster_id FROM lookback_clusters ORDER BY 1")[1]]
        board = dashboards()["lookback-queries.json"]
        for panel in board["panels"]:
            if panel["type"] != "table":
                continue
            sql = complete(panel["targets"][0]["rawSql"], variables(board, clusters[:1]), self.begin, self.end)
            columns, rows = self.ask(sql)
            if "cluster_id" in columns:
                self.assertLessEqual({row[columns.index("cluster_id")] for row in rows}, {clusters[0]}, panel["title"])

    def test_the_table_of_slowest_queries_has_the_numbers_of_the_log(self):
        board = dashboards()["lookback-queries.json"]
        panel = next(p for p in board["panels"] if p["title"] == "Slowest queries" and p["type"] == "table")
        values = variables(board)
        columns, rows = self.ask(complete(panel["targets"][0]["rawSql"], values, self.begin, self.end))
        slowest = dict(zip(columns, rows[0]))
        _, [(longest,)] = self.ask(
            "SELECT MAX(DATEDIFF(us, starttime, endtime)) FROM stl_query "
            f"WHERE endtime >= CAST({stamp(self.begin)} AS TIMESTAMP) AND endtime < CAST({stamp(self.end)} AS TIMESTAMP) "
            "AND starttime > '2000-01-01'"
        )
        self.assertAlmostEqual(float(slowest["total_s"]), longest / 1e6, delta=0.1)

    def test_a_viewer_has_the_overview_and_an_auditor_the_record_of_encryption(self):
        import psycopg

        users = json.loads(os.environ["LOOKBACK_SERVE_USERS"])

        def refused(role, name):
            board, titles = dashboards()[name], set()
            own = psycopg.conninfo.make_conninfo(WIRE, user=role, password=users[role]["password"])
            with psycopg.connect(own, autocommit=True) as connection:
                for panel in board["panels"]:
                    try:
                        connection.execute(complete(panel["targets"][0]["rawSql"], variables(board), self.begin, self.end))
                    except psycopg.errors.InsufficientPrivilege:
                        titles.add(panel["title"])
            return titles

        self.assertEqual(refused("viewer", "lookback-overview.json"), set())
        self.assertEqual(refused("auditor", "lookback-encryption.json"), set())
        self.assertIn("KMS keys", refused("viewer", "lookback-encryption.json"))

    def test_what_people_type_cannot_leave_its_literal(self):
        import psycopg

        board = dashboards()["lookback-queries.json"]
        panel = next(p for p in board["panels"] if "${top:percentencode}" in p["targets"][0]["rawSql"])
        for typed in ("1; SELECT 1", "'", "\\", "1) OR (1=1", "x"):
            values = variables(board)
            values["top"] = {"percentencode": percentencode(typed)}
            with self.assertRaises(psycopg.Error, msg=typed):
                self.ask(complete(panel["targets"][0]["rawSql"], values, self.begin, self.end))


if __name__ == "__main__":
    unittest.main()
