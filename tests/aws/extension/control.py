"""The routes for tests, `/lookback-control/WHAT`: JSON in, JSON out, 400 and {"error"} for what cannot be.

`account` (default 123456789012) and `region` (default us-east-1) name a place wherever there is one. Times are ISO 8601 text or seconds.

    POST reset             {}: everything, of moto as well: state, records, rules, counts, settings, clock
    POST clock             {"now"?: time|null, "advance_s"?: n, "runs"?: false}: {"now"}; GET: the same
    POST settings          {"lookup_rate"?, "rotate_describes"?, "modify_describes"?, "usage_tracking_start"?, "config_retention_days"?,
                           "s3_page"?}
    POST cloudtrail        {account?, region?, "events": [{"record": {...}, "visible_from"?, "copies"?, "resources"?: [{"type", "name"}]}]}
    POST cloudtrail-shown  {account?, region?}: {"records"}: all that there are, oldest first
    POST trail-file        {account?, "bucket", "key", "records": [...], "cut"?: true}: packed, as a trail delivers it
    POST redshift-events   {account?, region?, "events": [{"EventId", "SourceIdentifier", "Date"?, "Message"?, "Severity"?, "SourceType"?,
                           "EventCategories"?, "visible_from"?, "copies"?}]}
    POST config            {account?, region?, "items": [{"resourceType", "resourceId", ...}]}
    POST state             {account?, region?, "kind", "id", "set"?: {...}, "create"?, "delete"?, "pending_parameters"?: [...]}: see state.py
    POST faults            {"rules": [...]}: in place of those before, see faults.py; GET: the rules with how often each `fired`
    GET  calls             {"total", "calls": [{"service", "operation", "account", "region", "count", "throttled", "faulted"}]}
    POST calls-reset       {}: counts from nought
"""

import importlib
import json

import clock
import faults
import places
import tally

PREFIX = "/lookback-control/"


def reset(_=None):
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()
    forget()
    faults.reset()
    tally.reset()
    clock.set_to({"now": None})
    return {}


def forget():
    """What goes with moto's own reset: state and records; not the clock, the counts and the rules."""
    places.reset()


def later(module, function):
    """moto's services are loaded when they are first needed."""

    def call(request):
        importlib.import_module("load").load(LOADED.get(module, ""))
        return getattr(importlib.import_module(module), function)(request)

    return call


LOADED = {"redshift_events": "redshift", "config_history": "config", "trail_files": "s3"}
ROUTES = {
    ("POST", "reset"): reset,
    ("POST", "clock"): clock.set_to,
    ("GET", "clock"): lambda _: {"now": clock.now().isoformat()},
    ("POST", "settings"): places.change_settings,
    ("POST", "cloudtrail"): later("trail_records", "inject"),
    ("POST", "cloudtrail-shown"): later("trail_records", "shown"),
    ("POST", "trail-file"): later("trail_files", "put"),
    ("POST", "redshift-events"): later("redshift_events", "inject"),
    ("POST", "config"): later("config_history", "inject"),
    ("POST", "state"): later("state", "change"),
    ("POST", "faults"): faults.put,
    ("GET", "faults"): lambda _: faults.get(),
    ("GET", "calls"): lambda _: tally.counts(),
    ("POST", "calls-reset"): lambda _: tally.reset(),
}


def answer(environ):
    """Status and JSON for a request of a test."""
    what = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(PREFIX)
    try:
        if what not in ROUTES:
            raise LookupError(f"there is no {' '.join(what)}; there are {', '.join(' '.join(r) for r in ROUTES)}")
        request = json.loads(environ["wsgi.input"].read() or b"{}")
        return "200 OK", json.dumps(ROUTES[what](request), default=str).encode()
    except Exception as e:
        return "400 Bad Request", json.dumps({"error": f"{type(e).__name__}: {e}"}).encode()
