"""Every file under deploy/ is read by a test, and named in deploy/README.md."""

import re
import unittest
from pathlib import Path

from support import DEPLOY, ROOT

# File (or pattern) -> the tests that read it.
READ_BY = {
    "README.md": ["test_files"],
    "iam/*.json": ["test_policies", "test_bucket_and_key", "test_one_truth"],
    "cloudformation/lookback.yaml": ["test_lint", "test_one_truth", "test_stack"],
    "cloudformation/collector-role.yaml": ["test_lint", "test_one_truth", "test_stack"],
    "terraform/*.tf": ["test_lint", "test_one_truth", "test_stack"],
    "terraform/modules/collector-role/*.tf": ["test_lint", "test_one_truth", "test_stack"],
    "terraform/example/main.tf": ["test_lint", "test_stack"],
    "docker/Dockerfile": ["test_docker", "test_lint"],
    "docker/Dockerfile.dockerignore": ["test_docker"],
    "kubernetes/*.yaml": ["test_kubernetes", "test_lint", "test_settings"],
    "systemd/*.service": ["test_systemd", "test_settings"],
    "systemd/*.timer": ["test_systemd"],
    "redshift/grants.sql": ["test_redshift"],
    "grafana/dashboards/*.json": ["test_grafana"],
    "grafana/provisioning/*.yaml": ["test_grafana"],
}
HERE = Path(__file__).parent


def files():
    return sorted(str(p.relative_to(DEPLOY)) for p in DEPLOY.rglob("*") if p.is_file() and ".terraform" not in str(p))


class Files(unittest.TestCase):
    def test_every_file_is_read_by_a_test(self):
        for name in files():
            readers = [t for pattern, tests in READ_BY.items() if Path(name).match(pattern) and len(Path(name).parts) == len(Path(pattern).parts) for t in tests]
            self.assertTrue(readers, f"no test reads deploy/{name}: write one, and name it in READ_BY")

    def test_what_is_said_to_be_read_exists(self):
        for pattern, tests in READ_BY.items():
            self.assertTrue(list(DEPLOY.glob(pattern)), pattern)
            for test in tests:
                self.assertTrue((HERE / f"{test}.py").exists(), test)

    def test_the_readme_names_every_file(self):
        text = (DEPLOY / "README.md").read_text()
        for name in files():
            if name == "README.md":
                continue
            path = Path(name)
            # `terraform/*.tf`, or the name after its folder's first file, or a timer beside its service
            named = name in text or f"{path.parent}/*{path.suffix}" in text or f"`{path.name}`" in text
            named = named or (path.suffix == ".timer" and f"{path.with_suffix('.service')}`, `.timer`" in text)
            self.assertTrue(named, f"deploy/README.md does not name {name}")

    def test_the_readme_names_no_file_that_is_not_there(self):
        for name in re.findall(r"`((?:iam|cloudformation|terraform|docker|kubernetes|systemd|redshift|grafana)/[^`\s]*)`", (DEPLOY / "README.md").read_text()):
            self.assertTrue(list(DEPLOY.glob(name.rstrip("/"))), name)

    def test_no_account_or_secret_of_anybody_is_in_a_file(self):
        for name in files():
            text = (DEPLOY / name).read_text()
            for account in re.findall(r"(?<![\d-])\d{12}(?![\d-])", text):
                self.assertIn(account, ("111111111111", "222222222222"), name)
            self.assertNotRegex(text, r"\b(AKIA|ASIA)[A-Z0-9]{16}\b", name)
            self.assertNotRegex(text, r"md5[0-9a-f]{32}", name)
            self.assertNotIn("BEGIN PRIVATE KEY", text)

    def test_lines_are_not_too_long(self):
        for name in files():
            for number, line in enumerate((DEPLOY / name).read_text().splitlines(), 1):
                # Statements are one string of JSON each.
                if not name.endswith((".md", ".tf")) and not name.startswith("grafana/dashboards/"):
                    self.assertLessEqual(len(line), 180, f"{name}:{number}")
                self.assertEqual(line, line.rstrip(), f"{name}:{number} ends in blanks")


if __name__ == "__main__":
    unittest.main()
