"""A real browser that looks at the page, and what it watches meanwhile.

Debian's chromium, driven by Playwright. LOOKBACK_CHROMIUM names another one. With LOOKBACK_SCREENSHOTS, a folder, every look is kept there.
"""

import json
import os
import urllib.request
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("LOOKBACK_CHROMIUM", "/usr/bin/chromium")
SHOTS = os.environ.get("LOOKBACK_SCREENSHOTS")
WIDTHS = (1440, 390)
THEMES = ("dark", "light")
PATIENCE = 20_000


class Site:
    """A browser over one server. Whatever goes wrong in a page is noted: errors of scripts, refused requests, other hosts."""

    def __init__(self, base, token=None):
        self.base, self.token, self.wrong = base, token, []
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        self.axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text()

    def close(self):
        self.browser.close()
        self.playwright.stop()

    def page(self, theme="dark", width=1440, user=None, **more):
        """A page of a new visitor, who has logged in if the user has a password."""
        context = self.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **more)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda said: self.wrong.append(f"{page.url}: {said.text}") if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("request", self.note_request)
        if user:
            self.log_in(page, *user)
        return page

    def note_request(self, request):
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            self.wrong.append(f"a request to {request.url}")

    def log_in(self, page, name, password):
        page.goto(f"{self.base}/login")
        page.get_by_label("User").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_selector("#content .grid, #content .middle")

    def look(self, page, path):
        """Goes to a path and waits until every panel is there and every chart is drawn."""
        answer = page.goto(self.base + path)
        settle(page)
        return answer

    def faults(self, page):
        """What axe-core calls serious or critical, one line each."""
        page.evaluate(self.axe)
        found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
        bad = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        return [f"{one['id']} ({one['impact']}): {one['help']}: {node['html'][:160]}" for one in bad for node in one["nodes"][:4]]

    def ask(self, sql):
        """The answer of the API to the same statement."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.base}/api/sql", data=json.dumps({"sql": sql}).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            read = json.load(answer)
        names = [column["name"] for column in read["columns"]]
        return [dict(zip(names, row)) for row in read["rows"]]


def settle(page):
    page.wait_for_load_state("load")
    page.wait_for_function("() => !document.querySelector('.skeleton') && [...document.querySelectorAll('[data-chart]')].every(chart => chart.dataset.drawn)")


def keep(page, name):
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def charts(page):
    """Every chart: its panel, what it was told, its statement, and the points that the library has drawn."""
    return page.evaluate(
        """() => [...document.querySelectorAll('[data-chart]')].map(element => {
            const option = echarts.getInstanceByDom(element).getOption();
            const points = option.series.map(series => series.data.filter(value => value !== null && value !== undefined).length);
            return { panel: element.closest('[data-panel]').id, spec: JSON.parse(element.dataset.chart), sql: element.dataset.sql,
                     drawn: Number(element.dataset.drawn), points: points.reduce((a, b) => a + b, 0) };
        })"""
    )


def amounts(spec):
    """The sum of everything that a chart shows."""
    if spec["kind"] == "heat":
        return sum(cell[2] for cell in spec["cells"])
    return sum(value for series in spec["series"] for value in series["values"] if value is not None)
