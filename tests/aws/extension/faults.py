"""What goes wrong on purpose: rules that a test gives, each for so many calls of an operation.

A rule is {"fault", "service"?, "operation"?, "account"?, "region"?, "times"? = 1 (null: for ever), "skip"? = 0} and members of its own;
what it does not name it does not ask for. Names are those of signatures and models: "redshift", "kms", "DescribeKey". Faults:

    html500     500 and a page in HTML, as a load balancer in front of AWS answers      status? = 500
    throttled   too many requests, in the service's own way
    denied      the service's way of refusing access
    error       any error, in the service's own way                                     code, message? = "", status? = 400
    slow        the answer is late; other calls are answered meanwhile                  seconds
    dropped     the connection closes without an answer
    bad_token   a page token is refused (calls without one pass, and do not count)
    repeat      a page begins with the last item of the page before (the same)
    reversed    a page is in the wrong order
"""

import json
import time
from xml.sax.saxutils import escape

import tally

PAGING = ("bad_token", "repeat", "reversed")
FAULTS = ("html500", "throttled", "denied", "error", "slow", "dropped", *PAGING)
QUERY = ("redshift", "sts", "sns", "iam", "monitoring")
PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
STATUS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}

_rules = []


class Dropped(BaseException):
    """The connection is to close. Not an Exception: the server would answer with it."""


def put(request):
    """Replaces the rules."""
    for rule in request["rules"]:
        if rule.get("fault") not in FAULTS:
            raise LookupError(f"there is no fault {rule.get('fault')}; there are {', '.join(FAULTS)}")
    _rules[:] = [{"times": 1, "skip": 0, **rule, "fired": 0} for rule in request["rules"]]
    return get()


def get():
    return {"rules": _rules}


def reset():
    _rules.clear()


def take(kinds):
    """The first rule of these kinds that the current call meets; it is one call nearer to its end."""
    for rule in _rules:
        asked = (k for k in ("service", "operation", "account", "region") if k in rule)
        if rule["fault"] not in kinds or any(rule[k] != getattr(tally.current, k) for k in asked):
            continue
        if rule["times"] is not None and rule["fired"] >= rule["times"]:
            continue
        if rule["skip"]:
            rule["skip"] -= 1
            continue
        rule["fired"] += 1
        return rule
    return None


def answer(lock):
    """What the current call gets instead of an answer: (status, headers, body), or None if it is to go on."""
    slow = take(("slow",))
    if slow:
        lock.release()
        try:
            time.sleep(slow["seconds"])
        finally:
            lock.acquire()
    rule = take([f for f in FAULTS if f not in PAGING and f != "slow"])
    if rule is None:
        return None
    tally.add("throttled" if rule["fault"] == "throttled" else "faulted")
    if rule["fault"] == "dropped":
        raise Dropped
    if rule["fault"] == "html500":
        status = rule.get("status", 500)
        line = f"{status} {STATUS.get(status, 'Error')}"
        return line, [("Content-Type", "text/html")], PAGE.format(line).encode()
    if rule["fault"] == "error":
        return error(rule["code"], rule.get("message", ""), rule.get("status", 400))
    return throttled() if rule["fault"] == "throttled" else denied()


def throttled():
    service = tally.current.service
    if service == "s3":
        return error("SlowDown", "Please reduce your request rate.", 503)
    return error("Throttling" if service in QUERY else "ThrottlingException", "Rate exceeded", 400)


def denied():
    call = tally.current
    who = f"arn:aws:sts::{call.account}:assumed-role/denied/test"
    text = f"User: {who} is not authorized to perform: {call.service}:{call.operation}"
    if call.service == "s3" or call.service in QUERY:
        return error("AccessDenied", text, 403)
    return error("AccessDeniedException", text, 400)


def error(code, message, status):
    """An error as the current call's service writes it."""
    line = f"{status} {STATUS.get(status, 'Error')}"
    if tally.current.service == "s3":
        body = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        return line, [("Content-Type", "application/xml")], body.encode()
    if tally.current.service in QUERY:
        side = "Sender" if status < 500 else "Receiver"
        body = (
            f"<ErrorResponse><Error><Type>{side}</Type><Code>{escape(code)}</Code>"
            f"<Message>{escape(message)}</Message></Error><RequestId>fault</RequestId></ErrorResponse>"
        )
        return line, [("Content-Type", "text/xml")], body.encode()
    body = json.dumps({"__type": code, "message": message})
    return line, [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-errortype", code)], body.encode()
