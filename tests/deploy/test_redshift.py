"""The grants: nothing but a user and the privilege to see everybody's rows."""

import re
import unittest

from support import DEPLOY

USER = r'(?:lookback|"IAMR:lookback-(?:exporter|maintainer|collector)")'
ALLOWED = [
    rf"CREATE USER {USER} PASSWORD DISABLE",
    r"CREATE USER lookback PASSWORD 'md5<32 HEXADECIMAL DIGITS>'",
    rf"ALTER USER {USER} SYSLOG ACCESS UNRESTRICTED",
    rf"GRANT ROLE sys:monitor TO {USER}",
]


def statements():
    """(statement, whether it runs): those in comments are a line of their own that ends in ';'."""
    for line in (DEPLOY / "redshift/grants.sql").read_text().splitlines():
        text = line.strip()
        if re.fullmatch(r"(-- )?[A-Z]+ [^;]*;", text):
            yield text.removeprefix("-- ").rstrip(";"), not text.startswith("--")
        elif text and not text.startswith("--"):
            raise AssertionError(f"neither a comment nor a statement: {text}")


class Grants(unittest.TestCase):
    def test_every_statement_is_allowed(self):
        found = list(statements())
        self.assertEqual(len(found), 13)
        for statement, _ in found:
            self.assertTrue(any(re.fullmatch(a, statement) for a in ALLOWED), statement)

    def test_every_semicolon_ends_a_statement(self):
        text = (DEPLOY / "redshift/grants.sql").read_text()
        self.assertEqual(text.count(";"), len(list(statements())))

    def test_as_it_stands_it_makes_one_user_with_one_privilege(self):
        self.assertEqual([s for s, runs in statements() if runs],
                         ["CREATE USER lookback PASSWORD DISABLE", "ALTER USER lookback SYSLOG ACCESS UNRESTRICTED"])

    def test_every_user_has_both_lines(self):
        users = {re.search(USER, s)[0] for s, _ in statements()}
        self.assertEqual(len(users), 4)
        for user in users:
            for start in ("CREATE USER", "ALTER USER", "GRANT ROLE"):
                self.assertTrue([s for s, _ in statements() if s.startswith(start) and user in s], f"{start} {user}")


if __name__ == "__main__":
    unittest.main()
