"""Sets what a test wants to be so, in any account and region, without the calls and the months that lead there.

What it is about is named by `kind` and `id`; `set` has fields by AWS's own names. With `create` a thing that is not there is made, where
that can be without anything else; with `delete` it goes.
"""

import importlib

import clock
from places import of

SERVERLESS_TIMES = ("creationDate", "snapshotCreateTime", "recoveryPointCreateTime", "snapshotRetentionStartTime")


def change(request):
    kind = request["kind"]
    if kind not in KINDS:
        raise LookupError(f"there is no kind {kind}; there are {', '.join(KINDS)}")
    account, region = of(request)
    KINDS[kind](account, region, request["id"], request)
    return {}


def redshift(account, region):
    # Ours are loaded with the service.
    importlib.import_module("load").load("redshift")
    from moto.redshift.models import redshift_backends

    return redshift_backends[account][region]


def cluster(account, region, name, request):
    found = one(redshift(account, region).clusters, name)
    importlib.import_module("redshift_clusters").patch(found, request.get("set", {}))
    pending = request.get("pending_parameters")
    if pending is not None:
        found.pending_parameters = set(pending)


def logging(account, region, name, request):
    importlib.import_module("redshift_logging").patch(one(redshift(account, region).clusters, name), request["set"])


def snapshot(account, region, name, request):
    backend, ours = redshift(account, region), importlib.import_module("redshift_snapshots")
    if request.get("create") and name not in backend.snapshots:
        ours.make(backend, name, request.get("set", {}))
    if request.get("delete"):
        del backend.snapshots[name]
    else:
        ours.patch(one(backend.snapshots, name), request.get("set", {}))


def copy_grant(account, region, name, request):
    found, values = one(redshift(account, region).snapshot_copy_grants, name), request["set"]
    found.kms_key_id, found.tags = values.get("KmsKeyId", found.kms_key_id), values.get("Tags", found.tags)


def parameter_group(account, region, name, request):
    """`set` has values by the parameters' names; they are in force at once, unless a cluster's `pending_parameters` says otherwise."""
    one(redshift(account, region).parameter_groups, name).values.update(request["set"])


def hsm(kind):
    def entry(account, region, name, request):
        edit(redshift(account, region).hsm[kind], name, request, {f"{kind}Identifier": name, "Tags": []})

    return entry


def serverless(account, region):
    importlib.import_module("load").load("redshiftserverless")
    return importlib.import_module("serverless").serverless_backends[account][region]


def of_serverless(member, defaults):
    def entry(account, region, name, request):
        backend = serverless(account, region)
        values = dict(request.get("set", {}))
        tags = values.pop("tags", None)
        held = getattr(backend, member)
        edit(held, name, {**request, "set": values}, defaults(backend, name))
        if tags is not None:
            arn = next(
                v for n, v in held[name].items() if n.endswith("Arn") and n.startswith(("namespace", "workgroup", "snapshot"))
            )
            backend.tags[arn] = tags

    return entry


def edit(held, name, request, made):
    """A thing that is a dictionary of AWS's names."""
    if request.get("create") and name not in held:
        held[name] = made
    if request.get("delete"):
        del held[name]
        return
    for field, value in request.get("set", {}).items():
        one(held, name)[field] = clock.parse(value) if field in SERVERLESS_TIMES else value


def recovery_point(backend, name):
    return {"recoveryPointId": name, "recoveryPointCreateTime": clock.now(), "totalSizeInMegaBytes": 400.0}


def copy_configuration(backend, name):
    return {
        "snapshotCopyConfigurationId": name,
        "snapshotCopyConfigurationArn": backend.arn("snapshotcopyconfiguration", name),
        "snapshotRetentionPeriod": -1,
    }


def key(account, region, name, request):
    importlib.import_module("load").load("kms")
    from moto.kms.models import kms_backends

    backend = kms_backends[account][region]
    identifier = backend.any_id_to_key_id(name)
    if request.get("delete"):
        backend.delete_key(identifier)
        return
    importlib.import_module("kms_patch").patch(backend, one(backend.keys, identifier), request["set"])


def one(held, name):
    if name not in held:
        raise LookupError(f"there is no {name}; there are {', '.join(held) or 'none'}")
    return held[name]


KINDS = {
    "cluster": cluster,
    "logging": logging,
    "snapshot": snapshot,
    "copy_grant": copy_grant,
    "parameter_group": parameter_group,
    "hsm_configuration": hsm("HsmConfiguration"),
    "hsm_client_certificate": hsm("HsmClientCertificate"),
    "namespace": of_serverless("namespaces", lambda backend, name: {}),
    "workgroup": of_serverless("workgroups", lambda backend, name: {}),
    "serverless_snapshot": of_serverless(
        "snapshots", lambda backend, name: importlib.import_module("namespaces").snapshot(backend, name, {})
    ),
    "recovery_point": of_serverless("recovery_points", recovery_point),
    "copy_configuration": of_serverless("copies", copy_configuration),
    "key": key,
}
