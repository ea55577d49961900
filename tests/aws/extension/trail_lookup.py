"""CloudTrail's LookupEvents, over the records of `trail_records`: ninety days, newest first, one attribute, and two calls a second.

The rate goes by the machine's clock, per account and region; the setting `lookup_rate` changes it.
"""

import datetime
import json
import time

from moto.cloudtrail.responses import CloudTrailResponse

import clock
import tally
from answers import answer, fail
from pages import cut
from places import Places, settings
from trail_records import trail

RETENTION = datetime.timedelta(days=90)
# [tokens left, when that was so]
_buckets = Places(list)


def let_through(account, region):
    rate = settings["lookup_rate"]
    if rate is None:
        return True
    bucket, now = _buckets[account, region], time.monotonic()
    full = max(rate, 1.0)
    tokens = min(full, bucket[0] + (now - bucket[1]) * rate) if bucket else full
    bucket[:] = [tokens - 1 if tokens >= 1 else tokens, now]
    return tokens >= 1


def user_name(record):
    who = record.get("userIdentity") or {}
    if who.get("type") == "AssumedRole" and "/" in who.get("arn", ""):
        return who["arn"].rsplit("/", 1)[-1]
    return who.get("userName") or (who.get("type") == "Root" and "root") or None


def values(record, resources):
    """What an event is found by."""
    return {
        "EventId": [record["eventID"]],
        "EventName": [record.get("eventName")],
        "ReadOnly": [str(bool(record.get("readOnly"))).lower()],
        "Username": [user_name(record)],
        "ResourceType": [kind for kind, _ in resources],
        "ResourceName": [name for _, name in resources],
        "EventSource": [record.get("eventSource")],
        "AccessKeyId": [(record.get("userIdentity") or {}).get("accessKeyId")],
    }


def view(when, record, resources):
    first = lambda name: values(record, resources)[name][0]
    return {
        "AccessKeyId": first("AccessKeyId"),
        "CloudTrailEvent": json.dumps(record),
        "EventId": record["eventID"],
        "EventName": first("EventName"),
        "EventSource": first("EventSource"),
        "EventTime": when.replace(microsecond=0),
        "ReadOnly": first("ReadOnly"),
        "Resources": [{"ResourceName": name, "ResourceType": kind} for kind, name in resources],
        "Username": first("Username"),
    }


def lookup_events(self):
    account, region, now = self.current_account, self.region, clock.now()
    if not let_through(account, region):
        tally.add("throttled")
        raise fail("ThrottlingException", "Rate exceeded")
    asked = json.loads(self.body or "{}")
    attributes, size = asked.get("LookupAttributes") or [], asked.get("MaxResults", 50)
    known = values({"eventID": ""}, [])
    if len(attributes) > 1 or any(a.get("AttributeKey") not in known for a in attributes):
        raise fail("InvalidLookupAttributesException", "One attribute at a time, by the names that there are.")
    if not 1 <= size <= 50:
        raise fail("InvalidMaxResultsException", "MaxResults must be between 1 and 50.")
    start, end = clock.parse(asked.get("StartTime")), clock.parse(asked.get("EndTime"))
    if start and end and start > end:
        raise fail("InvalidTimeRangeException", "StartTime is after EndTime.")
    oldest = now - RETENTION
    # Insights are not collected.
    entries = [] if asked.get("EventCategory") else trail[account, region]
    found = [
        (number, when, record, resources)
        for number, when, record, resources, visible in entries
        if max(start or oldest, oldest) <= when <= min(end or now, now)
        and (visible is None or visible <= now)
        and all(a["AttributeValue"] in values(record, resources)[a["AttributeKey"]] for a in attributes)
    ]
    refuse = lambda: fail("InvalidNextTokenException", "The token is not one that was returned for these parameters.")
    bound = {name: value for name, value in asked.items() if name != "NextToken"}
    page, following = cut(found, lambda e: (e[1], e[0]), size, asked.get("NextToken"), refuse, bound, newest_first=True)
    return answer(self, {"Events": [view(*entry[1:]) for entry in page], "NextToken": following})


CloudTrailResponse.lookup_events = lookup_events
