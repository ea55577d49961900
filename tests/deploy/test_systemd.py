"""The units: hardened, bounded, and understood by systemd where it is installed."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import DEPLOY

FOLDER = DEPLOY / "systemd"
SERVICES = ["lookback-export.service", "lookback-maintain.service", "lookback-service.service"]
TIMERS = ["lookback-export.timer", "lookback-maintain.timer"]
HARDENING = {
    "DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes",
    "PrivateUsers": "yes", "ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectKernelLogs": "yes", "ProtectControlGroups": "yes",
    "ProtectClock": "yes", "ProtectHostname": "yes", "ProtectProc": "invisible", "RestrictNamespaces": "yes", "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes", "LockPersonality": "yes", "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "CapabilityBoundingSet": "", "AmbientCapabilities": "", "UMask": "0077",
    "StateDirectory": "lookback", "MemoryMax": "2G", "EnvironmentFile": "-/etc/lookback/environment",
}


def unit(name):
    """{section: {key: [values]}}: keys may be there more than once."""
    found, section = {}, None
    for line in (FOLDER / name).read_text().splitlines():
        if not line.strip() or line.startswith(("#", ";")):
            continue
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section = found.setdefault(match[1], {})
            continue
        key, equals, value = line.partition("=")
        assert equals and section is not None, f"{name}: {line}"
        section.setdefault(key, []).append(value)
    return found


class Systemd(unittest.TestCase):
    def test_these_are_the_units(self):
        self.assertEqual(sorted(p.name for p in FOLDER.iterdir()), sorted(SERVICES + TIMERS))

    def test_services_are_hardened_and_bounded(self):
        for name in SERVICES:
            service = unit(name)["Service"]
            for key, value in HARDENING.items():
                self.assertEqual(service.get(key), [value], f"{name} {key}")
            self.assertIn("@system-service", service["SystemCallFilter"])
            self.assertEqual(service["TimeoutStopSec"], ["35"], name)
            self.assertEqual(service["Environment"], ["LOOKBACK_CONFIG=/etc/lookback/lookback.toml"])
            self.assertFalse({"ReadWritePaths", "User=root"} & set(service))

    def test_runs_that_end(self):
        for name in SERVICES[:2]:
            service = unit(name)["Service"]
            self.assertEqual(service["Type"], ["oneshot"])
            self.assertEqual(service["SuccessExitStatus"], ["3 4"])
            self.assertIn("TimeoutStartSec", service)
            self.assertNotIn("Restart", service)
            self.assertNotIn("Install", unit(name), "the timer starts it")
            text = (FOLDER / name).read_text()
            before = text[: text.index("SuccessExitStatus")].splitlines()
            self.assertTrue(before[-1].startswith("#"), "why 3 and 4 are fine stands above")
        self.assertIn("--metrics-file /var/lib/lookback/lookback.prom", unit(SERVICES[0])["Service"]["ExecStart"][0])

    def test_the_service_that_stays(self):
        service = unit("lookback-service.service")["Service"]
        self.assertEqual(service["Restart"], ["on-failure"])
        self.assertEqual(service["RestartPreventExitStatus"], ["2"])
        self.assertIn("--schedule", service["ExecStart"][0])
        self.assertEqual(unit("lookback-service.service")["Unit"]["Conflicts"], ["lookback-export.timer"])

    def test_timers(self):
        for name, calendar in zip(TIMERS, ["*:0/15", "*-*-* 03:30:00 UTC"], strict=True):
            timer = unit(name)["Timer"]
            self.assertEqual(timer["OnCalendar"], [calendar])
            self.assertEqual(timer["Persistent"], ["true"])
            self.assertIn("RandomizedDelaySec", timer)
            self.assertEqual(unit(name)["Install"]["WantedBy"], ["timers.target"])
            self.assertTrue((FOLDER / name.replace(".timer", ".service")).exists())

    def test_systemd_understands_them(self):
        analyze = shutil.which("systemd-analyze")
        if not analyze:
            print("systemd-analyze is not installed: units were only parsed", flush=True)
            return
        with tempfile.TemporaryDirectory() as place:
            for name in SERVICES + TIMERS:
                # A binary that exists, and no network target to wait for: this is about the units.
                text = (FOLDER / name).read_text().replace("/usr/bin/lookback", "/bin/true")
                (Path(place) / name).write_text(text)
            for name in SERVICES + TIMERS:
                ran = subprocess.run([analyze, "verify", f"{place}/{name}"], capture_output=True, text=True)
                about = [l for l in (ran.stdout + ran.stderr).splitlines() if "lookback" in l]
                self.assertEqual(about, [], name)
            for calendar in (unit(n)["Timer"]["OnCalendar"][0] for n in TIMERS):
                ran = subprocess.run([analyze, "calendar", calendar], capture_output=True, text=True)
                self.assertEqual(ran.returncode, 0, ran.stderr)


if __name__ == "__main__":
    unittest.main()
