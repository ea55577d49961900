"""The image: pinned, locked, tried before it is finished, and without root."""

import re
import tomllib
import unittest

from support import DEPLOY, ROOT

FILE = DEPLOY / "docker/Dockerfile"


def instructions():
    text = re.sub(r"\\\n", " ", "\n".join(l for l in FILE.read_text().splitlines() if not l.startswith("#")))
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def stages():
    found = []
    for name, rest in instructions():
        if name == "FROM":
            found.append((rest, []))
        else:
            found[-1][1].append((name, rest))
    return found


class Docker(unittest.TestCase):
    def test_the_compiler_is_the_projects(self):
        image = stages()[0][0]
        version = re.match(r"rust:(\d+\.\d+\.\d+)-\w+ AS build$", image)
        self.assertTrue(version, image)
        toolchain = tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
        oldest = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
        self.assertEqual(version[1], toolchain)
        self.assertTrue(version[1].startswith(oldest + "."))

    def test_no_image_floats(self):
        for image, _ in stages():
            self.assertNotIn("latest", image)
            self.assertTrue(image == "scratch" or ":" in image, image)

    def test_the_lock_file_is_kept_to(self):
        builds = [r for n, r in stages()[0][1] if n == "RUN" and "cargo build" in r]
        self.assertEqual(len(builds), 1)
        self.assertIn("--locked", builds[0])
        self.assertIn("--release", builds[0])
        self.assertIn("${FEATURES}", builds[0])
        self.assertIn("--mount=type=cache", builds[0])
        self.assertIn(("ARG", 'FEATURES=""'), stages()[0][1])

    def test_the_features_named_in_the_comment_exist(self):
        features = tomllib.loads((ROOT / "Cargo.toml").read_text())["features"]
        self.assertIn('FEATURES="--no-default-features --features export"', FILE.read_text())
        self.assertIn("export", features)

    def test_the_binary_is_tried_where_it_will_be(self):
        self.assertIn(("RUN", "chroot /image /usr/bin/lookback --version"), stages()[0][1])

    def test_the_image_runs_nothing_as_root_and_needs_no_shell(self):
        base, last = stages()[-1]
        self.assertEqual(base, "scratch")
        self.assertFalse([r for n, r in last if n == "RUN"])
        users = [r for n, r in last if n == "USER"]
        self.assertEqual(users, ["65532:65532"])
        for name, rest in last:
            if name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
                self.assertTrue(rest.startswith("["), f"{name} {rest} asks for a shell")
            self.assertNotIn(name, ("ADD", "EXPOSE"))
        self.assertIn(("ENTRYPOINT", '["/usr/bin/lookback"]'), last)

    def test_authorities_and_a_user_come_with_it(self):
        text = FILE.read_text()
        for wanted in ("/image/etc/ssl/certs/ca-certificates.crt", "nonroot:x:65532:65532:", "ldd /image/usr/bin/lookback"):
            self.assertIn(wanted, text)

    def test_the_build_sees_every_crate_and_nothing_else(self):
        lines = (DEPLOY / "docker/Dockerfile.dockerignore").read_text().splitlines()
        self.assertEqual([l for l in lines if l and not l.startswith("#")][0], "*")
        shown = {l[1:] for l in lines if l.startswith("!")}
        members = set(tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["members"])
        self.assertEqual(shown, members | {"src", "templates", "Cargo.toml", "Cargo.lock"})
        for name in shown:
            self.assertTrue((ROOT / name).exists(), name)


if __name__ == "__main__":
    unittest.main()
