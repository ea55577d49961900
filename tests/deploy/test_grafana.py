"""deploy/grafana: the dashboards are models that ask the data source that is provisioned, and it speaks TLS only."""

import json
import unittest

import yaml
from support import DEPLOY

GRAFANA = DEPLOY / "grafana"


class Grafana(unittest.TestCase):
    def test_the_data_source_is_encrypted_and_has_no_password_of_anybody(self):
        (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasource.yaml").read_text())["datasources"]
        self.assertEqual(source["type"], "grafana-postgresql-datasource")
        self.assertEqual(source["jsonData"]["sslmode"], "verify-full")
        self.assertTrue(source["secureJsonData"]["password"].startswith("$"))

    def test_dashboards_come_from_files_that_nobody_edits_in_place(self):
        (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards.yaml").read_text())["providers"]
        self.assertEqual((provider["type"], provider["allowUiUpdates"]), ("file", False))

    def test_every_dashboard_asks_that_kind_of_data_source(self):
        boards = [json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))]
        self.assertGreaterEqual(len(boards), 9)
        for board in boards:
            kinds = {panel["datasource"]["type"] for panel in board["panels"]}
            self.assertEqual(kinds, {"grafana-postgresql-datasource"}, board["title"])
            self.assertIn("lookback", board["tags"])


if __name__ == "__main__":
    unittest.main()
