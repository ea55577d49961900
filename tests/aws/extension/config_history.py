"""What AWS Config recorded of clusters, snapshots and keys, as a test says: GetResourceConfigHistory and ListDiscoveredResources.

For every other type moto answers as ever.
"""

import datetime
import json

from moto.config.responses import ConfigResponse

import clock
from answers import answer, fail
from pages import cut
from places import Places, of, settings

TYPES = ("AWS::Redshift::Cluster", "AWS::Redshift::ClusterSnapshot", "AWS::KMS::Key")
TIMES = ("configurationItemCaptureTime", "resourceCreationTime", "configurationItemDeliveryTime")
DELETED = ("ResourceDeleted", "ResourceDeletedNotRecorded")
items = Places(list)


def inject(request):
    """Configuration items by AWS's names; `configuration` may be an object, it is text for whoever asks."""
    account, region = of(request)
    held = items[account, region]
    for given in request["items"]:
        item = {
            "version": "1.3",
            "accountId": account,
            "awsRegion": region,
            "configurationItemCaptureTime": clock.now(),
            "configurationItemStatus": "OK",
            "configurationStateId": str(1_700_000_000_000 + len(held)),
            **given,
        }
        if item["resourceType"] not in TYPES:
            raise LookupError(f"there is no {item['resourceType']} here; there are {', '.join(TYPES)}")
        for name in TIMES:
            if name in item:
                item[name] = clock.parse(item[name])
        if not isinstance(item.get("configuration", ""), str):
            item["configuration"] = json.dumps(item["configuration"])
        held.append(item)
    return {"items": len(held)}


def asked_of(self, service_type):
    asked = json.loads(self.body or "{}")
    return asked if asked.get(service_type) in TYPES else None


def get_resource_config_history(self):
    asked = asked_of(self, "resourceType")
    if asked is None:
        return base_history(self)
    size, now = asked.get("limit") or 10, clock.now()
    if not 0 <= size <= 100:
        raise fail("InvalidLimitException", "limit must be between 0 and 100.")
    earlier, later = clock.parse(asked.get("earlierTime")), clock.parse(asked.get("laterTime"))
    if earlier and later and earlier > later:
        raise fail("InvalidTimeRangeException", "earlierTime is after laterTime.")
    kept = now - datetime.timedelta(days=settings["config_retention_days"])
    of_resource = [
        item
        for item in items[self.current_account, self.region]
        if (item["resourceType"], item["resourceId"]) == (asked["resourceType"], asked["resourceId"])
        and kept <= item["configurationItemCaptureTime"] <= now
    ]
    if not of_resource:
        raise fail("ResourceNotDiscoveredException", f"Resource {asked['resourceId']} has not been discovered.")
    found = [
        item
        for item in of_resource
        if (not earlier or item["configurationItemCaptureTime"] >= earlier)
        and (not later or item["configurationItemCaptureTime"] <= later)
    ]
    refuse = lambda: fail("InvalidNextTokenException", "The nextToken is not one that was returned.")
    bound = {name: value for name, value in asked.items() if name != "nextToken"}
    order = lambda item: (item["configurationItemCaptureTime"], item["configurationStateId"])
    newest_first = asked.get("chronologicalOrder", "Reverse") == "Reverse"
    page, following = cut(found, order, size, asked.get("nextToken"), refuse, bound, newest_first)
    return answer(self, {"configurationItems": page, "nextToken": following})


def list_discovered_resources(self):
    asked = asked_of(self, "resourceType")
    if asked is None:
        return base_discovered(self)
    latest = {}
    for item in sorted(items[self.current_account, self.region], key=lambda i: i["configurationItemCaptureTime"]):
        if item["resourceType"] == asked["resourceType"] and item["configurationItemCaptureTime"] <= clock.now():
            latest[item["resourceId"]] = item
    found = []
    for identifier, item in latest.items():
        gone = item["configurationItemStatus"] in DELETED
        if not gone or asked.get("includeDeletedResources"):
            found.append(
                {
                    "resourceDeletionTime": item["configurationItemCaptureTime"] if gone else None,
                    "resourceId": identifier,
                    "resourceName": item.get("resourceName"),
                    "resourceType": item["resourceType"],
                }
            )
    refuse = lambda: fail("InvalidNextTokenException", "The nextToken is not one that was returned.")
    size = asked.get("limit") or 100
    page, following = cut(found, lambda r: r["resourceId"], size, asked.get("nextToken"), refuse, asked["resourceType"])
    return answer(self, {"nextToken": following, "resourceIdentifiers": page})


base_history, base_discovered = ConfigResponse.get_resource_config_history, ConfigResponse.list_discovered_resources
ConfigResponse.get_resource_config_history = get_resource_config_history
ConfigResponse.list_discovered_resources = list_discovered_resources
