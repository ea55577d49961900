"""The page in a real browser: it looks right in both themes and on a phone, its charts say what SQL says, and it can be used."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))

from site_of_lookback import Site, THEMES, WIDTHS, amounts, charts, keep, settle  # noqa: E402

BASE = os.environ["LOOKBACK_SERVE_HTTP"]
TOKEN = os.environ.get("LOOKBACK_SERVE_TOKEN")
USERS = json.loads(os.environ.get("LOOKBACK_SERVE_USERS", "{}"))
PAGES = {
    "overview": "/",
    "performance": "/performance?from=now-2d",
    "queries": "/queries?from=now-2d",
    "encryption": "/encryption",
    "coverage": "/coverage?from=now-7d",
    "diagnostics": "/diagnostics",
    "diagnostic": "/diagnostics/slowest_queries?from=now-2d",
    "heat": "/diagnostics/load_by_hour?from=now-2d",
    "console": "/console",
}
# What the amounts of a panel's chart are, of the rows of its statement.
SUMS = {
    "queries": lambda row: row["queries"],
    "hours": lambda row: row["queries"],
    "load": lambda row: (row["queue_us"] + row["exec_us"]) / 1e6,
    "times": lambda row: row["timed"],
    "queues": lambda row: row["queue_us"] / 1e6,
    "alerts": lambda row: row["alerts"],
    "tables": lambda row: row["alerts"],
    "spills": lambda row: row["bytes"],
}


def user(name):
    return (name, USERS[name]["password"]) if USERS else None


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site(BASE, TOKEN)
        cls.addClassCleanup(cls.site.close)

    def setUp(self):
        self.site.wrong.clear()

    def tearDown(self):
        self.assertEqual(self.site.wrong, [])

    def open(self, path, **more):
        page = self.site.page(user=user("admin"), **more)
        self.addCleanup(page.context.close)
        answer = self.site.look(page, path)
        return page, answer

    def one_query(self):
        row = self.site.ask("SELECT cluster_id, query FROM stl_scan GROUP BY 1, 2 ORDER BY COUNT(*) DESC, 1, 2 LIMIT 1")[0]
        return f"/query/{row['cluster_id']}/{row['query']}"


class Looks(Browser):
    def test_every_page_in_both_themes_and_widths(self):
        pages = {**PAGES, "query": self.one_query()}
        for theme in THEMES:
            for width in WIDTHS:
                page = self.site.page(theme, width, user("admin"))
                for name, path in pages.items():
                    with self.subTest(page=name, theme=theme, width=width):
                        self.assertEqual(self.site.look(page, path).status, 200)
                        keep(page, f"{name}-{theme}-{width}")
                        self.assertEqual(page.locator(".trouble").all_inner_texts(), [])
                        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width)
                        self.assertEqual(self.site.faults(page), [])
                page.context.close()

    def test_a_narrow_phone(self):
        page, _ = self.open("/", width=360)
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 360)

    def test_the_theme_can_be_switched_and_stays(self):
        page, _ = self.open("/", theme="dark")
        theme = lambda: page.evaluate("document.documentElement.dataset.theme")  # noqa: E731
        self.assertEqual(theme(), "dark")
        page.get_by_role("button", name="Switch the theme").click()
        self.assertEqual(theme(), "light")
        page.reload()
        self.assertEqual(theme(), "light")


class Numbers(Browser):
    def test_charts_say_what_sql_says(self):
        seen = set()
        for path in ("/", PAGES["performance"]):
            page, _ = self.open(path)
            for chart in charts(page):
                with self.subTest(path=path, panel=chart["panel"]):
                    self.assertEqual(chart["points"], chart["drawn"])
                    self.assertGreater(chart["points"], 0)
                    rows = self.site.ask(chart["sql"])
                    wanted = sum(float(SUMS[chart["panel"]](row)) for row in rows)
                    self.assertAlmostEqual(amounts(chart["spec"]), wanted, places=3)
                    shown = page.locator(f"#{chart['panel']} details.data tbody tr").count()
                    self.assertEqual(shown, min(len(rows), 1000))
                    seen.add(chart["panel"])
        self.assertTrue({"queries", "load", "times", "hours"} <= seen, seen)

    def test_every_diagnostic_draws_its_rows(self):
        page, _ = self.open("/diagnostics?from=now-2d")
        links = page.locator("a.card").evaluate_all("cards => cards.map(card => card.getAttribute('href'))")
        self.assertGreater(len(links), 40)
        drawn = 0
        for link in links:
            with self.subTest(diagnostic=link):
                self.assertIn("from=now-2d", link)
                self.site.look(page, link)
                self.assertEqual(page.locator(".trouble").all_inner_texts(), [])
                for chart in charts(page):
                    self.assertEqual(chart["points"], chart["drawn"])
                    self.assertGreater(chart["points"], 0)
                    rows = self.site.ask(chart["sql"])
                    self.assertEqual(page.locator("#answer tbody tr").count(), min(len(rows), 1000))
                    drawn += 1
        self.assertGreater(drawn, 10)

    def test_the_coverage_map_has_a_field_for_every_day_and_cluster(self):
        page, _ = self.open("/coverage?from=now-7d")
        [chart] = [chart for chart in charts(page) if chart["panel"] == "map"]
        clusters = self.site.ask("SELECT DISTINCT cluster_id FROM lookback_export_runs WHERE table_name <> ''")
        self.assertEqual(len(chart["spec"]["rows"]), len(clusters))
        self.assertEqual(chart["points"], len(clusters) * len(chart["spec"]["at"]))


class Use(Browser):
    def test_from_a_bar_to_its_queries_to_the_one_query(self):
        page, _ = self.open("/?from=now-2d")
        [chart] = [chart for chart in charts(page) if chart["panel"] == "queries"]
        series = max(chart["spec"]["series"], key=lambda one: max(one["values"]))
        place = series["values"].index(max(series["values"]))
        # The middle of the tallest bar's own part of its stack.
        where = page.evaluate(
            """([name, place]) => {
                const element = document.querySelector('#queries [data-chart]');
                element.scrollIntoView({ block: 'center' });
                const chart = echarts.getInstanceByDom(element), all = chart.getOption().series;
                const below = all.slice(0, all.findIndex(one => one.name === name)).reduce((sum, one) => sum + (one.data[place] || 0), 0);
                const own = all.find(one => one.name === name).data[place];
                const [x, y] = chart.convertToPixel({ seriesIndex: 0 }, [place, below + own / 2]);
                const box = element.getBoundingClientRect();
                return [box.left + x, box.top + y];
            }""",
            [series["name"], place],
        )
        page.mouse.move(*where)
        page.mouse.click(*where)
        page.wait_for_url("**/queries?**")
        settle(page)
        self.assertIn(f"cluster={series['name']}", page.url)
        shown = page.locator("#found tbody tr").count()
        more = page.locator("#found a[rel=next]").count()
        self.assertTrue(shown == series["values"][place] or (shown == 100 and more == 1), (shown, series["values"][place]))
        keep(page, "queries-of-a-bar")
        first = page.locator("#found tbody tr td a").first
        number = first.inner_text()
        first.click()
        page.wait_for_url("**/query/**")
        settle(page)
        [row] = self.site.ask(f"SELECT querytxt FROM stl_query WHERE cluster_id = '{series['name']}' AND query = {int(number)}")
        plain = lambda text: re.sub(r"\s+", " ", text.replace("\\n", " ")).strip()  # noqa: E731
        self.assertTrue(plain(page.locator("#statement").inner_text()).startswith(plain(row["querytxt"])[:100]))
        self.assertIn(number, page.locator("h1").inner_text())

    def test_dragging_over_a_chart_zooms_in(self):
        page, _ = self.open("/?from=now-2d")
        element = page.locator("#load [data-chart]")
        element.scroll_into_view_if_needed()
        box = element.bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.4, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=4)
        page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=4)
        page.mouse.up()
        page.wait_for_url("**from=20*")
        settle(page)
        [chart] = [chart for chart in charts(page) if chart["panel"] == "load"]
        self.assertLess(len(chart["spec"]["at"]), 24)

    def test_what_is_looked_at_stays_through_every_link(self):
        page, _ = self.open("/?from=now-2d&cluster=etl&as_of=2036-01-01T00:00:00Z")
        for link in page.locator("nav a").evaluate_all("links => links.map(link => link.href)"):
            for part in ("from=now-2d", "cluster=etl", "as_of=2036-01-01T00:00:00Z"):
                self.assertIn(part, link)
        page.locator("#pick-range summary").click()
        page.get_by_role("link", name="Last 7 days").click()
        settle(page)
        self.assertIn("from=now-1w", page.url)
        self.assertIn("cluster=etl", page.url)
        page.locator("#pick-clusters summary").click()
        page.get_by_role("link", name="All clusters").click()
        self.assertNotIn("cluster=", page.url)
        self.assertIn("as_of=2036", page.url)

    def test_keys(self):
        page, _ = self.open("/?from=now-2d")
        page.keyboard.press("Tab")
        self.assertEqual(page.evaluate("document.activeElement.className"), "skip")
        page.keyboard.press("?")
        self.assertTrue(page.locator("#help-keys").is_visible())
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("p")
        page.wait_for_url("**/performance?from=now-2d")
        settle(page)
        page.keyboard.press("c")
        self.assertEqual(page.evaluate("document.activeElement.type"), "search")
        page.keyboard.press("Escape")
        self.assertFalse(page.locator("#pick-clusters .sheet").is_visible())

    def test_a_refresh_fetches_panels_and_nothing_else(self):
        page, _ = self.open("/?from=now-2d&refresh=5")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_timeout(6_500)
        settle(page)
        self.assertTrue(asked)
        self.assertTrue(all("/panel/overview/" in url for url in asked), asked)
        self.assertTrue(charts(page))

    def test_the_console(self):
        page, _ = self.open("/console")
        editor = page.get_by_label("SQL", exact=True).last
        editor.click()
        page.keyboard.type("SELECT cluster_id, COUNT(*) AS n FROM stl_quer")
        page.wait_for_selector(".CodeMirror-hint >> text=stl_query")
        page.keyboard.press("Enter")
        # The popup has taken the first name; the statement is written as a whole, to be sure of it.
        page.keyboard.press("Control+a")
        sql = "SELECT cluster_id, COUNT(*) AS n FROM stl_query GROUP BY 1 ORDER BY 1"
        page.keyboard.type(sql)
        page.keyboard.press("Escape")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#result tbody tr")
        wanted = self.site.ask(sql)
        rows = page.locator("#as-table tbody tr").all()
        self.assertEqual([row.locator("td").all_inner_texts() for row in rows], [[row["cluster_id"], str(row["n"])] for row in wanted])
        page.get_by_role("tab", name="Chart").click()
        page.wait_for_selector("#chart[data-drawn]")
        self.assertEqual(page.locator("#chart").get_attribute("data-drawn"), str(len(wanted)))
        keep(page, "console-result")
        self.assertEqual(self.site.faults(page), [])
        page.locator("summary", has_text="Download").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV", exact=True).click()
        text = Path(download.value.path()).read_text().splitlines()
        self.assertEqual(text, ["cluster_id,n", *(f"{row['cluster_id']},{row['n']}" for row in wanted)])
        # A link has the statement in it, and does not ask by itself.
        shared = page.url
        self.assertIn("sql=", shared)
        page.goto(shared)
        self.assertIn("GROUP BY 1", page.locator(".CodeMirror-code").inner_text().replace("\xa0", " "))
        self.assertFalse(page.locator("#result").is_visible())
        self.assertIn(sql, page.locator("#history").inner_text())
        self.site.wrong[:] = [line for line in self.site.wrong if "400" not in line]

    def test_what_is_wrong_is_said(self):
        page, answer = self.open("/diagnostics/slowest_querie")
        self.assertEqual(answer.status, 404)
        self.assertIn("did you mean 'slowest_queries'", page.locator("#content").inner_text())
        keep(page, "error-page")
        self.site.look(page, "/queries?from=yesterday")
        self.assertIn("'yesterday' is not a time", page.locator(".banner").inner_text())
        # One panel that cannot answer, in a page that can.
        self.site.look(page, "/diagnostics/slowest_queries?p.top=many")
        self.assertIn("top", page.locator("#answer .trouble").inner_text())
        self.assertTrue(page.locator("#source pre").is_visible())
        keep(page, "error-panel")
        self.assertEqual(self.site.faults(page), [])
        self.site.wrong[:] = [line for line in self.site.wrong if "404" not in line]

    @unittest.skipUnless(USERS, "needs a server with users")
    def test_a_viewer_sees_no_encryption(self):
        page = self.site.page(user=user("viewer"))
        self.addCleanup(page.context.close)
        self.site.look(page, "/")
        self.assertEqual(page.locator("nav a", has_text="Encryption").count(), 0)
        self.assertEqual(page.locator("#verdicts").count(), 0)
        self.assertEqual(self.site.look(page, "/encryption").status, 403)
        self.assertEqual(page.request.get(f"{BASE}/panel/encryption/keys").status, 404)
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login**")
        keep(page, "login")
        self.assertEqual(self.site.faults(page), [])
        page.get_by_label("User").fill("viewer")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_selector("[role=alert]")
        self.assertIn("Wrong user", page.locator("[role=alert]").inner_text())
        self.site.wrong[:] = [line for line in self.site.wrong if "403" not in line]


class Empty(unittest.TestCase):
    """A server of its own, over a lake in which nothing is."""

    def test_a_lake_without_logs_says_what_to_run(self):
        with tempfile.TemporaryDirectory(prefix="lookback-empty.") as folder:
            lake = Path(folder) / "lake"
            lake.mkdir()
            (lake / "lookback.json").write_text(json.dumps({"format": "lookback-lake", "version": 1}))
            with socket.create_server(("127.0.0.1", 0)) as listener:
                port = listener.getsockname()[1]
            config = Path(folder) / "lookback.toml"
            config.write_text(f'[lake]\nlocation = "{lake}"\n[serve]\npg = "off"\nhttp = "127.0.0.1:{port}"\n')
            log = open(Path(folder) / "log", "wb")
            self.addCleanup(log.close)
            server = subprocess.Popen([os.environ["LOOKBACK_BINARY"], "--config", config, "serve"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            try:
                self.look(f"http://127.0.0.1:{port}", server)
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(20)

    def look(self, base, server):
        until = time.monotonic() + 30
        while time.monotonic() < until and server.poll() is None:
            try:
                urllib.request.urlopen(f"{base}/healthz", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        site = Site(base)
        try:
            for theme in THEMES:
                page = site.page(theme, 390)
                self.assertEqual(site.look(page, "/").status, 200)
                self.assertIn("lookback export", page.locator("#content").inner_text())
                self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 390)
                self.assertEqual(site.faults(page), [])
                keep(page, f"empty-{theme}")
            for path in PAGES.values():
                self.assertEqual(site.look(page, path).status, 200, path)
            self.assertEqual(site.wrong, [])
        finally:
            site.close()
