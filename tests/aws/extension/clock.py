"""The time that the stand-ins go by, so that a test can live through a year in a second.

Only the services' own times follow it (when a cluster was made, what counts as the last 14 days, when a key rotates). How long an
assumed role is good for, and how many requests a second are let through, go by the machine's clock.
"""

import datetime
import time

UTC = datetime.timezone.utc

# Called with the new time whenever it is set: what is due by then happens.
listeners = []
_state = {"at": None, "since": None}


def now():
    """Aware, UTC, to the millisecond as AWS gives it."""
    at, since = _state["at"], _state["since"]
    if at is None:
        at = datetime.datetime.now(UTC)
    elif since is not None:
        at += datetime.timedelta(seconds=time.monotonic() - since)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def naive():
    """As moto keeps times: UTC without saying so."""
    return now().replace(tzinfo=None)


def unix(when=None):
    """Seconds since 1970, of a time that moto kept."""
    return (when.replace(tzinfo=UTC) if when else now()).timestamp()


def parse(value):
    """A time from a request or a test: ISO 8601 text, seconds since 1970, or moto's own. Aware; None stays None."""
    if value is None:
        return None
    if isinstance(value, (int, float)):
        return datetime.datetime.fromtimestamp(value, UTC)
    when = datetime.datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def text(when):
    """As CloudTrail writes it: to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def set_to(request):
    """`now` (null: the machine's clock again), then `advance_s`; with `runs` it goes on from there, else it stands still."""
    if "now" in request:
        at = parse(request["now"])
    else:
        at = now() if _state["at"] or "advance_s" in request else None
    if "advance_s" in request:
        at = (at or datetime.datetime.now(UTC)) + datetime.timedelta(seconds=request["advance_s"])
    _state["at"] = at
    _state["since"] = time.monotonic() if request.get("runs") else None
    for listener in listeners:
        listener(now())
    return {"now": now().isoformat()}


class Datetime(datetime.datetime):
    """Takes the place of `datetime` in a module of moto."""

    @classmethod
    def now(cls, tz=None):
        return now().astimezone(tz) if tz else naive()
