"""Which operation a request is for, and how often each was called: what a run costs in calls is counted here, outside of the client.

A call is told by its signature's scope, which names the service and the region even though every service has the same address here.
"""

import collections
import dataclasses
import io
import re
from urllib.parse import parse_qs

SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
# Of the services that are asked by path and whose calls tests count.
REST = {("POST", "/findings/import"): "BatchImportFindings", ("POST", "/findings"): "GetFindings"}
COUNTED = ("count", "throttled", "faulted")


@dataclasses.dataclass(frozen=True)
class Call:
    service: str
    operation: str
    account: str
    region: str


# The call that is being answered: there is one at a time.
current = Call("", "", "", "")
_counts = collections.defaultdict(lambda: dict.fromkeys(COUNTED, 0))


def call_of(environ):
    """None for what is not signed, and so no call of an AWS operation that anybody counts."""
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if not scope:
        return None
    key, region, service = scope.groups()
    # It is loaded with the first request anyway.
    from moto.iam.models import get_account_id_from

    account = environ.get("HTTP_X_MOTO_ACCOUNT_ID") or get_account_id_from(key)
    return Call(service, operation_of(environ), account, region)


def operation_of(environ):
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.rsplit(".", 1)[-1]
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    form = {}
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        form = parse_qs(body.decode("utf-8", "replace"))
    action = (form or parse_qs(environ.get("QUERY_STRING", ""))).get("Action")
    return action[0] if action else REST.get((method, path), f"{method} {path}")


def begin(call):
    global current
    current = call
    _counts[call]["count"] += 1


def add(what):
    """The current call was `throttled` or `faulted`."""
    _counts[current][what] += 1


def counts():
    calls = [{**dataclasses.asdict(call), **numbers} for call, numbers in _counts.items()]
    calls.sort(key=lambda c: (c["service"], c["operation"], c["account"], c["region"]))
    return {"total": sum(c["count"] for c in calls), "calls": calls}


def reset():
    _counts.clear()
    return {}
