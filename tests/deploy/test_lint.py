"""Tools that know more than these tests: cfn-lint, checkov, terraform fmt."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

import terraform
from support import DEPLOY, ROOT

BIN = Path(sys.executable).parent
# How many checks have to pass at least: a scan that found no file would find no fault either.
SCANS = [("cloudformation", 60), ("terraform", 80), ("dockerfile", 5), ("kubernetes", 100)]
SKIP = re.compile(r"checkov[:.](?:io/)?skip\w*[=:]\s*(CKV2?_\w+)[:=](.*)")


def run(*command):
    return subprocess.run([str(c) for c in command], cwd=ROOT, capture_output=True, text=True)


class Lint(unittest.TestCase):
    def test_cfn_lint(self):
        templates = sorted((DEPLOY / "cloudformation").glob("*.yaml"))
        self.assertEqual(len(templates), 2)
        ran = run(BIN / "cfn-lint", "--include-checks", "W", "--", *templates)
        self.assertEqual((ran.returncode, ran.stdout + ran.stderr), (0, ""))

    def test_checkov(self):
        frameworks = [f for f, _ in SCANS]
        ran = run(BIN / "checkov", "--directory", DEPLOY, "--framework", *frameworks, "--skip-download", "--compact", "--output", "json")
        self.assertIn(ran.returncode, (0, 1), ran.stderr)
        reports = json.loads(ran.stdout)
        passed, skipped = {}, []
        for report in reports if isinstance(reports, list) else [reports]:
            kind, results = report["check_type"], report["results"]
            passed[kind] = passed.get(kind, 0) + len(results["passed_checks"])
            failed = [f"{c['check_id']} {c['check_name']}: {c['resource']} {c['file_path']}" for c in results["failed_checks"]]
            self.assertEqual(failed, [], kind)
            self.assertEqual(results["parsing_errors"], [], kind)
            skipped += [(c["check_id"], c["check_result"].get("suppress_comment", "")) for c in results["skipped_checks"]]
        for kind, least in SCANS:
            self.assertGreaterEqual(passed.get(kind, 0), least, f"{kind}: {passed}")
        for check, reason in skipped:
            self.assertGreater(len(reason.split()), 5, f"{check} is left out without a reason")
        print(f"checkov: {passed}, left out with a reason: {sorted({c for c, _ in skipped})}", flush=True)

    def test_what_checkov_leaves_out_has_its_reason_beside_it(self):
        found = 0
        for path in sorted(p for p in DEPLOY.rglob("*") if p.is_file() and p.suffix != ".md"):
            for line in path.read_text().splitlines():
                if "skip" in line and "checkov" in line:
                    match = SKIP.search(line)
                    self.assertTrue(match and len(match[2].split()) > 5, f"{path.name}: {line.strip()}")
                    found += 1
        self.assertGreater(found, 0)
        self.assertEqual([p.name for p in ROOT.glob(".checkov*")] + [p.name for p in DEPLOY.rglob(".checkov*")], [], "no list for all files")

    def test_terraform_is_formatted(self):
        if not terraform.TERRAFORM:
            print("terraform is not installed: formatting was not checked", flush=True)
            return
        ran = run(terraform.TERRAFORM, "fmt", "-check", "-recursive", "-diff", DEPLOY / "terraform")
        self.assertEqual((ran.returncode, ran.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
