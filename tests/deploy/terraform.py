"""The Terraform files, read in two ways: as blocks, and rendered by Terraform itself where it is installed (no provider is needed)."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import hcl2

from support import DEPLOY

MODULE = DEPLOY / "terraform"
COLLECTOR = MODULE / "modules/collector-role"
TERRAFORM = shutil.which("terraform") or shutil.which("tofu")


@cache
def parsed(path):
    with path.open() as file:
        return hcl2.load(file)


def blocks(folder, kind):
    """Blocks of a kind, by their labels joined with a dot."""
    found = {}
    for path in sorted(folder.glob("*.tf")):
        for block in parsed(path).get(kind, []):
            names = []
            while len(block) == 1 and isinstance(next(iter(block.values())), dict) and len(names) < 2:
                (name, block), = block.items()
                names.append(name)
                if kind in ("variable", "output", "module", "provider"):
                    break
            found[".".join(names)] = block
    return found


def resources(folder=MODULE):
    return blocks(folder, "resource")


def one(value):
    """Attributes and nested blocks come as lists of one."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def expressions(folder):
    """The text of each policy that a resource gets, by (resource, attribute)."""
    found = {}
    for path in sorted(folder.glob("*.tf")):
        text = path.read_text()
        for block in re.finditer(r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', text, re.M | re.S):
            for attribute in re.finditer(r"^  (policy|assume_role_policy|policy_document) += ", block[3], re.M):
                found[f"{block[1]}.{block[2]}", attribute[1]] = expression(block[3], attribute.end())
    return found


def expression(text, start):
    """The expression that begins at `start`: up to the end of the line on which its last bracket closes."""
    depth, quoted, at = 0, False, start
    while at < len(text):
        char = text[at]
        if quoted:
            if char == "\\":
                at += 1
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "\n" and depth == 0:
            break
        at += 1
    return text[start:at]


def local_blocks(folder):
    for path in sorted(folder.glob("*.tf")):
        for block in re.finditer(r"^locals \{\n.*?^\}", path.read_text(), re.M | re.S):
            yield block[0]


def render(folder, variables, known, wanted):
    """What Terraform makes of the expressions in `wanted`. `known` has values for attributes of resources and data; every other
    attribute is its own name."""
    def plain(text):
        for name, value in known.items():
            text = text.replace(name, json.dumps(value))
        text = text.replace('"${path.module}/', f'"{folder}/')
        return re.sub(r"\baws_\w+\.\w+(?:\[[^\]]*\])*\.\w+", lambda m: json.dumps("<" + m[0].replace('"', "") + ">"), text)

    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        shutil.copy(folder / "variables.tf", place)
        (place / "locals.tf").write_text("\n\n".join(plain(b) for b in local_blocks(folder)))
        outputs = (f'output "o{n}" {{\n  value = {plain(e)}\n  sensitive = true\n}}' for n, e in enumerate(wanted))
        (place / "outputs.tf").write_text("\n\n".join(outputs))
        (place / "values.tfvars.json").write_text(json.dumps(variables))
        environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        for command in (["init", "-backend=false"], ["apply", "-auto-approve", "-var-file=values.tfvars.json"]):
            ran = subprocess.run([TERRAFORM, *command, "-no-color"], cwd=place, env=environment, capture_output=True, text=True)
            if ran.returncode:
                raise AssertionError(f"terraform {command[0]}: {ran.stdout}{ran.stderr}")
        ran = subprocess.run([TERRAFORM, "output", "-json"], cwd=place, env=environment, capture_output=True, text=True, check=True)
        values = json.loads(ran.stdout)
        return [values[f"o{n}"]["value"] for n in range(len(wanted))]
