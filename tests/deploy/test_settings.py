"""What deploy/ sets is what lookback knows: environment variables, the ConfigMap, commands and their flags."""

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

import yaml

import terraform
from support import DEPLOY, ROOT, stack



def source(place, name):
    """A module of Rust, with its submodules."""
    files = [ROOT / place / f"{name}.rs", *sorted((ROOT / place / name).rglob("*.rs"))]
    return "\n".join(f.read_text() for f in files if f.exists())


def settings():
    """Keys by section, as the structs of settings.rs declare them: {"lake": {"location", ...}}; clusters are under "clusters"."""
    text = source("exporter/src", "settings")
    structs = {}
    for block in re.finditer(r"^pub struct (\w+) \{\n(.*?)^\}", text, re.M | re.S):
        structs[block[1]] = dict(re.findall(r"^    pub (\w+): ([^\n]+),$", block[2], re.M))
    sections = {}
    for section, kind in structs["Settings"].items():
        name = re.search(r"(\w+)>*$", kind)[1]
        # Sections that other parts read; nothing under deploy/ sets one.
        if name != "IgnoredAny":
            sections[section] = set(structs[name])
    return sections


def environment():
    """Every LOOKBACK_..__.. that is set somewhere under deploy/, by file."""
    found = {}
    for path in sorted(p for p in DEPLOY.rglob("*") if p.is_file()):
        for name in re.findall(r"\bLOOKBACK_[A-Z]\w*", path.read_text()):
            found.setdefault(name, set()).add(str(path.relative_to(DEPLOY)))
    return found


def commands():
    """Command lines of lookback under deploy/."""
    for task in stack().of_type("AWS::ECS::TaskDefinition").values():
        yield "lookback.yaml", task["ContainerDefinitions"][0]["Command"]
    for match in re.finditer(r"command = (\[.*?\])", (terraform.MODULE / "ecs.tf").read_text()):
        yield "ecs.tf", re.findall(r'"([^"]+)"', match[1])
    for document in yaml.safe_load_all((DEPLOY / "kubernetes/cronjob.yaml").read_text()):
        yield "cronjob.yaml", document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"]
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        line = re.search(r"^ExecStart=/usr/bin/lookback (.*)$", path.read_text(), re.M)[1]
        yield path.name, [a.strip('"') for a in re.findall(r'"[^"]*"|\S+', line)]
    yield "Dockerfile", re.findall(r'"([^"]+)"', re.search(r"^CMD (.*)$", (DEPLOY / "docker/Dockerfile").read_text(), re.M)[1])


class Settings(unittest.TestCase):
    def test_the_settings_were_found(self):
        sections = settings()
        self.assertIn("location", sections["lake"])
        self.assertIn("assume_role", sections["clusters"])
        self.assertIn("prefix", sections["ssm"])

    def test_environment_variables_are_settings(self):
        sections, found = settings(), environment()
        self.assertIn("LOOKBACK_LAKE__LOCATION", found)
        for name, files in found.items():
            # What Grafana puts into its own files is no setting of lookback.
            if name == "LOOKBACK_CONFIG" or all(file.startswith("grafana/") for file in files):
                continue
            parts = name.removeprefix("LOOKBACK_").lower().split("__")
            with self.subTest(variable=name, files=sorted(files)):
                self.assertIn(parts[0], sections)
                if parts[0] == "clusters":
                    self.assertEqual(len(parts), 3)
                    self.assertIn(parts[2], sections["clusters"])
                else:
                    self.assertEqual(len(parts), 2)
                    self.assertIn(parts[1], sections[parts[0]])

    def test_the_configmap_has_only_keys_that_exist(self):
        sections = settings()
        for section, keys in self.configmap().items():
            self.assertIn(section, sections)
            self.assertLessEqual(set(keys), sections[section], section)

    def test_the_configmap_names_lake_key_and_state(self):
        config = self.configmap()
        self.assertTrue(config["lake"]["location"].startswith("s3://"))
        self.assertTrue(config["lake"]["kms_key"].startswith("arn:aws:kms:"))
        self.assertTrue(config["state"]["dynamodb_table"])

    def test_commands_and_flags_exist(self):
        cli, binary = source("src", "cli"), os.environ.get("LOOKBACK_BIN")
        for file, command in commands():
            with self.subTest(file=file, command=command):
                self.assertIn(command[0], ("export", "maintain"))
                flags = [a for a in command if a.startswith("--")]
                for flag in flags:
                    name = flag.removeprefix("--")
                    declared = rf'\bpub\(crate\) {name.replace("-", "_")}:|long = "{name}"'
                    self.assertTrue(re.search(declared, cli), f"src/cli.rs has no {flag}")
                if binary:
                    ran = subprocess.run([shutil.which(binary) or binary, command[0], "--help"], capture_output=True, text=True, timeout=60)
                    for flag in flags:
                        self.assertRegex(ran.stdout, rf"{flag}\b", f"`lookback {command[0]} --help` has no {flag}")

    def test_the_binary_takes_the_configmap(self):
        binary = os.environ.get("LOOKBACK_BIN")
        if not binary:
            print("LOOKBACK_BIN is not set: settings were compared with settings.rs only", flush=True)
            return
        binary = shutil.which(binary) or binary
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "lookback.toml"
            data = yaml.safe_load((DEPLOY / "kubernetes/configmap.yaml").read_text())["data"]["lookback.toml"]
            clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LOOKBACK_"))}
            # No credentials, and nowhere to find any: what is left is whether the configuration is understood.
            clean |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": place}
            file.write_text(data)
            ran = subprocess.run([binary, "check", "--config", str(file)], env=clean, cwd=place, capture_output=True, text=True, timeout=60)
            self.assertNotRegex(ran.stderr, r"unknown field|invalid type|not a duration|TOML")
            # The same question with a key that nobody knows, to know that it would have been said.
            file.write_text(data.replace("[aws]", "[aws]\nregionn = 1"))
            ran = subprocess.run([binary, "check", "--config", str(file)], env=clean, cwd=place, capture_output=True, text=True, timeout=60)
            self.assertEqual(ran.returncode, 2)
            self.assertIn("unknown field", ran.stderr)

    def configmap(self):
        return tomllib.loads(yaml.safe_load((DEPLOY / "kubernetes/configmap.yaml").read_text())["data"]["lookback.toml"])


if __name__ == "__main__":
    unittest.main()
