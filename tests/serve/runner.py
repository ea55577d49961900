"""Starts a server over a demo lake, runs the suite against it, and stops the server, whatever happens.

What the tests find in their environment:

- LOOKBACK_BINARY: the program.
- LOOKBACK_SERVE_LAKE: the folder of the lake.
- LOOKBACK_SERVE_PG: how to connect by PostgreSQL's protocol, as libpq has it; an admin.
- LOOKBACK_SERVE_HTTP: where the HTTP API and the page are, as http://127.0.0.1:PORT; LOOKBACK_SERVE_TOKEN: the token of that admin.
- LOOKBACK_SERVE_USERS: JSON, name -> {"role", "password", "token"}: a viewer, an auditor and an admin.
- LOOKBACK_SERVE_CONFIG: the server's configuration file; LOOKBACK_SERVE_LOG: what it logs, as JSON lines.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "deploy"))

from suite import Result  # noqa: E402  (the one that tests/deploy prints with)

BINARY = os.environ["LOOKBACK_BINARY"]
DEMO = ["--clusters", "2", "--days", "2", "--queries", "400"]
PATIENCE = 60


def verifier(password):
    """A password as the configuration has it: SCRAM-SHA-256, RFC 5803."""
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    keys = [hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")]
    salt, stored, server = (base64.b64encode(part).decode() for part in [salt, *keys])
    return f"SCRAM-SHA-256${rounds}:{salt}${stored}:{server}"


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class Server:
    """`lookback serve` over the lake of a demo."""

    def __init__(self, folder):
        self.folder, self.process = Path(folder), None
        self.pg, self.http = free_ports(2)
        self.users = {
            name: {"role": name, "password": secrets.token_urlsafe(12), "token": "lookback_" + secrets.token_hex(32)}
            for name in ("viewer", "auditor", "admin")
        }

    def __enter__(self):
        demo = self.folder / "demo"
        began = time.monotonic()
        subprocess.run([BINARY, "demo", "--once", "--dir", demo, *DEMO], check=True, stdout=subprocess.DEVNULL, timeout=300)
        print(f"demo: {time.monotonic() - began:.0f} s", flush=True)
        written = (demo / "lookback.toml").read_text()
        self.lake = (demo / tomllib.loads(written)["lake"]["location"]).resolve()
        self.config = demo / "serve.toml"
        self.config.write_text(written + self.section())
        self.log = self.folder / "serve.log"
        with open(self.log, "wb") as log:
            command = [BINARY, "--config", self.config, "--log-format", "json", "serve"]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def section(self):
        lines = ["", "[serve]", f'pg = "127.0.0.1:{self.pg}"', f'http = "127.0.0.1:{self.http}"', ""]
        # What the suite asks in a minute is more than people do.
        lines += ["[serve.limits]", "per_second = 0", ""]
        for name, user in self.users.items():
            token = hashlib.sha256(user["token"].encode()).hexdigest()
            lines += [f"[serve.users.{name}]", f'role = "{user["role"]}"', f'password = "{verifier(user["password"])}"']
            lines += [f'tokens = ["{token}"]', ""]
        return "\n".join(lines)

    def wait(self):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url()}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.1)
        raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise RuntimeError("the server did not end within 20 s of SIGTERM") from None

    def url(self):
        return f"http://127.0.0.1:{self.http}"

    def environment(self):
        admin = self.users["admin"]
        return {
            "LOOKBACK_SERVE_LAKE": str(self.lake),
            "LOOKBACK_SERVE_PG": f"host=127.0.0.1 port={self.pg} user=admin password={admin['password']} dbname=lookback",
            "LOOKBACK_SERVE_HTTP": self.url(),
            "LOOKBACK_SERVE_TOKEN": admin["token"],
            "LOOKBACK_SERVE_USERS": json.dumps(self.users),
            "LOOKBACK_SERVE_CONFIG": str(self.config),
            "LOOKBACK_SERVE_LOG": str(self.log),
        }


def main(names):
    suite_folder = str(HERE / "suite")
    sys.path.insert(0, suite_folder)
    began, result = time.monotonic(), Result()
    with tempfile.TemporaryDirectory(prefix="lookback-serve.") as folder, Server(folder) as server:
        os.environ.update(server.environment())
        # Only now: modules look at the environment as they are read.
        loader = unittest.TestLoader()
        suite = loader.loadTestsFromNames(names) if names else loader.discover(suite_folder, top_level_dir=suite_folder)
        suite.run(result)
        ended = server.process.poll()
        if result.errors or result.failures or ended is not None:
            print(f"\n== the end of the server's log\n{server.log.read_text(errors='replace')[-4000:]}")
    for test, trace in result.errors + result.failures:
        print(f"\n== {test.id() if hasattr(test, 'id') else test}\n{trace}")
    failed = result.testsRun - result.passed
    # A test that cannot run is a failure, and so is a server that did not live to the end.
    failed += len(result.skipped) + len(result.expectedFailures) + len(result.unexpectedSuccesses) + (ended is not None)
    wrong = failed or result.errors or not result.testsRun
    print(f"\nserve: {time.monotonic() - began:.0f} s")
    print(f"{result.passed} passed, {max(failed, 1 if wrong else 0)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
