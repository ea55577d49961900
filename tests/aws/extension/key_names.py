"""The full ARN of a key that is named in any of the ways that AWS takes: Redshift answers with nothing else."""

from moto.kms.models import kms_backends

import kms_keys  # noqa: F401: the managed key has to be made as AWS's, whoever asks for it first.


def key_arn(account, region, name, service="redshift"):
    """`name`: ARN, id, alias, or None for the key that AWS manages for the service."""
    if name is None:
        return managed_key(account, region, service)
    if ":alias/" in name:
        _, _, _, region, account, name = name.split(":", 5)
    if name.startswith("arn:"):
        return name
    backend = kms_backends[account][region]
    if name.startswith("alias/"):
        name = backend.get_key_id_from_alias(name) or name
    return f"arn:aws:kms:{region}:{account}:key/{name}"


def managed_key(account, region, service):
    backend = kms_backends[account][region]
    return backend.keys[backend.get_key_id_from_alias(f"alias/aws/{service}")].arn
