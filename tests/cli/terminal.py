"""A person at a terminal, for tests: runs a program on a pseudo-terminal and does what a script says.

Reads JSON from standard input: {"argv": [...], "env": {...}, "rows": 24, "columns": 100, "steps": [[what, text], ...]}.
A step is "expect" (until the text was shown), "type" (keys), "signal" (a name, to the foreground), "sleep" (seconds).
Writes {"shown": text without control sequences, "code": exit code, "seconds": {step number: seconds}, "failed": why or null}.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

LIMIT = 30.0
CONTROL = re.compile(r"\x1b\[[0-9;?=>]*[a-zA-Z]|\x1b\][^\x07]*\x07|\x1b[=>]|\x1b[()][A-Z0-9]|\r|\x07|\x08")


class Terminal:
    def __init__(self, job):
        self.raw = b""
        self.seen = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.clear()
            os.environ.update(job["env"])
            os.execv(job["argv"][0], job["argv"])
        size = struct.pack("HHHH", job.get("rows", 24), job.get("columns", 100), 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)

    def shown(self):
        return CONTROL.sub("", self.raw.decode("utf-8", "replace"))

    def read(self, seconds):
        """Takes what comes within that time; False once nothing more can come."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            new = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += new
        return bool(new)

    def expect(self, text):
        end = time.monotonic() + LIMIT
        while True:
            at = self.shown().find(text, self.seen)
            if at >= 0:
                self.seen = at + len(text)
                return
            if time.monotonic() > end or not self.read(0.05):
                raise RuntimeError(f"{text!r} was not shown after {self.shown()[self.seen:]!r}")

    def finish(self):
        end = time.monotonic() + LIMIT
        while self.read(0.05):
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                raise RuntimeError("it did not end")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main():
    job = json.load(sys.stdin)
    terminal = Terminal(job)
    failed, code, seconds = None, None, {}
    try:
        for number, (what, text) in enumerate(job["steps"]):
            began = time.monotonic()
            if what == "expect":
                terminal.expect(text)
            elif what == "type":
                os.write(terminal.fd, text.encode())
            elif what == "signal":
                os.killpg(os.tcgetpgrp(terminal.fd), getattr(signal, text))
            elif what == "sleep":
                time.sleep(float(text))
            seconds[number] = time.monotonic() - began
        code = terminal.finish()
    except RuntimeError as error:
        failed = str(error)
        os.kill(terminal.pid, signal.SIGKILL)
    json.dump({"shown": terminal.shown(), "code": code, "seconds": seconds, "failed": failed}, sys.stdout)


main()
