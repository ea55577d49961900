"""What is kept per account and region, and forgotten when a test resets; and the few things that a test may set for all of them."""

import collections
import os

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"

DEFAULTS = {
    # LookupEvents calls a second, per account and region; null lets every call through.
    "lookup_rate": 2.0,
    # How many DescribeClusters show `rotating-keys` after RotateEncryptionKey; null: until the status is set.
    "rotate_describes": 2,
    # How many show `resizing` (a namespace: MODIFYING) after encryption or its key was changed; null: until the status is set.
    "modify_describes": 0,
    # Since when KMS knows of uses of keys.
    "usage_tracking_start": "2026-01-01T00:00:00Z",
    # Days of history that AWS Config keeps.
    "config_retention_days": 2557,
    # Keys on a page of a bucket's list, where the request does not say; null: as many as S3 gives.
    "s3_page": None,
}
settings = dict(DEFAULTS)
_all = []


class Places(collections.defaultdict):
    """A value for each (account, region), made when it is first asked for."""

    def __init__(self, make):
        super().__init__(make)
        _all.append(self)


def of(request):
    """The place that a test's request means."""
    return request.get("account", DEFAULT_ACCOUNT), request.get("region", DEFAULT_REGION)


def change_settings(request):
    unknown = request.keys() - DEFAULTS.keys()
    if unknown:
        raise LookupError(f"there is no setting {', '.join(sorted(unknown))}; there are {', '.join(DEFAULTS)}")
    settings.update(request)
    page_buckets()
    return settings


def page_buckets():
    """moto asks its environment at every list."""
    os.environ.pop("MOTO_S3_DEFAULT_MAX_KEYS", None)
    if settings["s3_page"] is not None:
        os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = str(settings["s3_page"])


def reset():
    settings.clear()
    settings.update(DEFAULTS)
    page_buckets()
    for places in _all:
        places.clear()
