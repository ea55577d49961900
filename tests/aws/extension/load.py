"""Our changes to a service, loaded when the service is first asked for, as moto loads its own: a test that needs one starts at once."""

import functools
import importlib

# moto's names of services; ours are in the order that they build on each other.
OURS = {
    "redshift": (
        "redshift_clusters",
        "redshift_parameters",
        "redshift_snapshots",
        "redshift_events",
        "redshift_logging",
        "redshift_hsm",
    ),
    "kms": ("kms_keys", "kms_lists", "kms_use", "kms_rotations"),
    "cloudtrail": ("trail_lookup",),
    "config": ("config_history",),
    "redshiftserverless": ("namespaces",),
}
# Whose changes CloudTrail records.
RECORDED = {
    "redshift": ("moto.redshift.responses", "RedshiftResponse", "redshift.amazonaws.com"),
    "kms": ("moto.kms.responses", "KmsResponse", "kms.amazonaws.com"),
    "redshiftserverless": ("serverless", "ServerlessResponse", "redshift-serverless.amazonaws.com"),
}


@functools.cache
def load(service):
    base = importlib.import_module("server")
    if service in base.OURS:
        importlib.import_module(base.OURS[service])
    if service in ("redshift", "redshiftserverless"):
        # They name keys.
        load("kms")
    for name in OURS.get(service, ()):
        importlib.import_module(name)
    if service in RECORDED:
        module, kind, source = RECORDED[service]
        importlib.import_module("trail_records").record_calls(getattr(importlib.import_module(module), kind), source)
