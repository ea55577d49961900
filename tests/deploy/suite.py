"""Runs the tests, prints one line for each and how long it took, and the totals as the last line."""

import sys
import time
import unittest
from pathlib import Path


class Result(unittest.TestResult):
    """A line for each test; what failed, in full, at the end."""

    def __init__(self):
        super().__init__()
        self.passed = 0

    def startTest(self, test):
        super().startTest(test)
        self.before = len(self.failures) + len(self.errors)
        self.began = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        failed = len(self.failures) + len(self.errors) > self.before
        self.passed += not failed
        print(f"{'FAILED' if failed else 'ok':6} {time.monotonic() - self.began:6.2f} s  {test.id()}", flush=True)


def main(names):
    here = Path(__file__).parent
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(here), top_level_dir=str(here))
    began, result = time.monotonic(), Result()
    suite.run(result)
    for test, trace in result.errors + result.failures:
        print(f"\n== {test.id() if hasattr(test, 'id') else test}\n{trace}")
    failed = result.testsRun - result.passed
    # A test that cannot run is a failure.
    failed += len(result.skipped) + len(result.expectedFailures) + len(result.unexpectedSuccesses)
    wrong = failed or result.errors or not result.testsRun
    print(f"\ndeploy: {time.monotonic() - began:.0f} s")
    print(f"{result.passed} passed, {max(failed, 1 if wrong else 0)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
