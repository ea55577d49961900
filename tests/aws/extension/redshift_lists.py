"""What every list of Redshift has in common: pages of 20 to 100 by Marker, and the choice by tags."""

from moto.redshift.exceptions import InvalidParameterValueError

from pages import cut


def page_of(self, items, key):
    """A page of a Describe operation, and the next one's Marker."""
    size = self._get_int_param("MaxRecords", 100)
    if not 20 <= size <= 100:
        raise InvalidParameterValueError("MaxRecords must be between 20 and 100.")
    refuse = lambda: InvalidParameterValueError("The marker is not one that was returned.")
    return cut(items, key, size, self._get_param("Marker"), refuse, self._get_action())


def tagged(self, items, tags):
    """Those with any of the keys or values that are asked for."""
    keys, values = self._get_param("TagKeys") or [], self._get_param("TagValues") or []
    if not keys and not values:
        return items
    return [item for item in items if any(t["Key"] in keys or t["Value"] in values for t in tags(item))]
