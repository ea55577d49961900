"""Pages of a list, with tokens that nobody but the server can read.

A token says after which item to go on, not at which number: items may come and go between two pages. It belongs to one list, and with
`bound` to one set of parameters; any other is refused.
"""

import base64
import datetime
import hashlib
import json

import faults


def cut(items, key, size, token, refuse, bound=None, newest_first=False):
    """The page of `size` items (sorted by `key`) after `token`, and the next page's token or None. `refuse` makes the error for a bad one."""
    scope = hashlib.sha256(json.dumps(bound, default=str, sort_keys=True).encode()).hexdigest()[:16]
    items = sorted(items, key=key, reverse=newest_first)
    if token is not None:
        if faults.take(("bad_token",)):
            raise refuse()
        last = decode(token, scope, refuse)
        again = faults.take(("repeat",)) is not None
        items = [i for i in items if follows(as_json(key(i)), last, newest_first) or (again and as_json(key(i)) == last)]
    page = items[:size]
    following = encode(as_json(key(page[-1])), scope) if len(items) > size else None
    if faults.take(("reversed",)):
        page.reverse()
    return page, following


def follows(value, last, newest_first):
    return value < last if newest_first else value > last


def as_json(value):
    """A key as it looks after a token carried it: times in ISO 8601, which sorts as they do."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="microseconds")
    return [as_json(part) for part in value] if isinstance(value, (list, tuple)) else value


def encode(last, scope):
    return base64.urlsafe_b64encode(json.dumps([scope, last]).encode()).decode()


def decode(token, scope, refuse):
    try:
        found, last = json.loads(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        raise refuse() from None
    if found != scope:
        raise refuse()
    return last
