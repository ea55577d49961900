"""Redshift's own events: DescribeEvents over what happened here and what a test says happened, for fourteen days; and their catalogue.

A call emits the plain event that AWS documents for it (made, deleted, renamed, restored, rebooted, a parameter set, a snapshot done).
Whatever takes time, fails or comes from outside is for a test to inject.
"""

import datetime
import itertools

from moto.redshift.exceptions import InvalidParameterCombinationError, InvalidParameterValueError
from moto.redshift.responses import RedshiftResponse

import clock
from answers import answer
from event_catalogue import CATALOGUE
from places import Places, of
from redshift_lists import page_of

RETENTION = datetime.timedelta(days=14)
events = Places(list)
_numbers = itertools.count()


def emit(self, source_type, source, identifier, more=""):
    category, severity, text = CATALOGUE[identifier][1:]
    event = {
        "Date": clock.now(),
        "EventCategories": [category],
        "EventId": identifier,
        "Message": f"{text}: {source}{more}",
        "Severity": severity,
        "SourceIdentifier": source,
        "SourceType": source_type,
    }
    events[self.current_account, self.region].append((next(_numbers), event, None))


def inject(request):
    """What a test says happened; what it leaves out comes from the catalogue."""
    for given in request["events"]:
        given = dict(given)
        visible, copies = clock.parse(given.pop("visible_from", None)), given.pop("copies", 1)
        source_type, category, severity, text = CATALOGUE.get(given["EventId"], ("cluster", "management", "INFO", "An event"))
        event = {
            "EventCategories": [category],
            "Message": f"{text}: {given['SourceIdentifier']}",
            "Severity": severity,
            "SourceType": source_type,
            **given,
            "Date": clock.parse(given.get("Date")) or clock.now(),
        }
        for _ in range(copies):
            events[of(request)].append((next(_numbers), event, visible))
    return {"events": len(events[of(request)])}


def describe_events(self):
    asked, now = self._get_param, clock.now()
    if asked("SourceIdentifier") and not asked("SourceType"):
        raise InvalidParameterCombinationError("SourceType is needed with SourceIdentifier.")
    start, end = clock.parse(asked("StartTime")), clock.parse(asked("EndTime")) or now
    if start and start > end:
        raise InvalidParameterValueError("StartTime must be before EndTime.")
    start = start or end - datetime.timedelta(minutes=self._get_int_param("Duration", 60))
    start = max(start, now - RETENTION)
    found = [
        (number, event)
        for number, event, visible in events[self.current_account, self.region]
        if start <= event["Date"] <= end
        and (visible is None or visible <= now)
        and event["Date"] <= now
        and asked("SourceType") in (None, event["SourceType"])
        and asked("SourceIdentifier") in (None, event["SourceIdentifier"])
    ]
    page, following = page_of(self, found, lambda entry: (entry[1]["Date"], entry[0]))
    return answer(self, {"Events": [event for _, event in page], "Marker": following})


def describe_event_categories(self):
    asked, kinds = self._get_param("SourceType"), {}
    for identifier, (kind, category, severity, text) in CATALOGUE.items():
        entry = {"EventCategories": [category], "EventDescription": text, "EventId": identifier, "Severity": severity}
        kinds.setdefault(kind, []).append(entry)
    shown = [{"Events": entries, "SourceType": kind} for kind, entries in kinds.items() if asked in (None, kind)]
    return answer(self, {"EventCategoriesMapList": shown})


for operation in (describe_events, describe_event_categories):
    setattr(RedshiftResponse, operation.__name__, operation)
