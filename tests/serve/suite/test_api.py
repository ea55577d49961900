"""The HTTP API as clients see it: against its own description, and as the documentation says.

schemathesis makes requests out of the OpenAPI document, right ones and wrong ones, and holds the answers against it. What it may take is
bounded by MOST_SECONDS.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

API = os.environ["LOOKBACK_SERVE_HTTP"]
TOKEN = os.environ["LOOKBACK_SERVE_TOKEN"]
ROOT = Path(__file__).resolve().parents[3]
SETTINGS = ROOT / "tests" / "serve" / "api" / "schemathesis.toml"
MOST_SECONDS = 40


def ask(path, body=None, headers=None, method=None):
    """Status, headers, body."""
    headers = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
    request = urllib.request.Request(API + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Description(unittest.TestCase):
    def test_schemathesis_finds_nothing(self):
        command = [
            *[sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run", f"{API}/api/openapi.json"],
            *["--url", API, "--header", f"Authorization: Bearer {TOKEN}", "--max-time", str(MOST_SECONDS)],
        ]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS * 4)
        self.assertEqual(ran.returncode, 0, f"{ran.stdout[-12000:]}\n{ran.stderr[-4000:]}")
        cases = re.search(r"(\d+) (?:generated|test cases)", ran.stdout)
        self.assertTrue(cases and int(cases[1]) >= 300, ran.stdout[-3000:])

    def test_every_diagnostic_answers_with_the_columns_that_it_promises(self):
        listed = json.loads(ask("/api/diagnostics")[2])["diagnostics"]
        self.assertGreater(len(listed), 40)
        for one in listed:
            needed = [parameter["name"] for parameter in one["parameters"] if parameter["required"]]
            body = json.dumps({"parameters": {name: 1 for name in needed}, "limit": 5}).encode()
            status, _, rows = ask(f"/api/diagnostics/{one['name']}/rows", body, {"Content-Type": "application/json"})
            with self.subTest(diagnostic=one["name"]):
                self.assertEqual(status, 200, rows)
                rows = json.loads(rows)
                self.assertEqual([column["name"] for column in rows["columns"]], [column["name"] for column in one["columns"]])
                self.assertNotIn("error", rows)


class Documentation(unittest.TestCase):
    """What docs/api.md shows is what happens."""

    def test_every_route_has_an_example_and_every_example_works(self):
        text = (ROOT / "docs" / "api.md").read_text()
        examples = [block for block in re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M) if "curl" in block]
        asked = "\n".join(examples)
        for path in json.loads(ask("/api/openapi.json")[2])["paths"]:
            form = re.sub(r"\\{\w+\\}", r"[\\w-]+", re.escape(path))
            self.assertRegex(asked, rf'\$LOOKBACK{form}["?]')
        environment = {**os.environ, "LOOKBACK": API, "TOKEN": TOKEN}
        for example in examples:
            command = ["bash", "-eu", "-c", example]
            ran = subprocess.run(command, env=environment, cwd=tempfile.gettempdir(), capture_output=True, text=True, timeout=60)
            with self.subTest(example=example):
                self.assertEqual(ran.returncode, 0, f"{ran.stdout[-1000:]}\n{ran.stderr[-1000:]}")
                # A problem is an answer only where the text is about problems.
                if "urn:lookback:problem:" in ran.stdout:
                    self.assertTrue("|| echo" in example or "--fail" not in example, ran.stdout[-1000:])


class Secrets(unittest.TestCase):
    def test_no_secret_and_no_statement_is_in_the_log_of_requests(self):
        _, headers, _ = ask("/api/sql?limit=1", b"SELECT 'a telling literal' AS told", {"Content-Type": "text/plain"})
        ask("/api/diagnostics/slowest_queries/rows?cluster=a-telling-name")
        log = Path(os.environ["LOOKBACK_SERVE_LOG"]).read_text(errors="replace")
        lines = [line for line in log.splitlines() if line.startswith("{")]
        requests = [line for line in lines if json.loads(line)["target"] == "lookback::requests"]
        self.assertTrue(requests, log[-2000:])
        self.assertTrue([line for line in requests if headers["X-Request-Id"] in line], requests[-2:])
        self.assertFalse([line for line in requests if "telling" in line])
        for user in json.loads(os.environ["LOOKBACK_SERVE_USERS"]).values():
            self.assertNotIn(user["token"], log)
            self.assertNotIn(user["password"], log)


if __name__ == "__main__":
    unittest.main()
