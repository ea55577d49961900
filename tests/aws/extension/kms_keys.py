"""Keys with the states, fields and refusals that moto lacks: full ARNs, keys of other accounts, AWS's own keys.

Another account's key is refused unless its policy names the caller's account, or a test set `CrossAccount` to `allowed`.
"""

import datetime
import json
import secrets

from moto.kms import models
from moto.kms.models import Alias, Grant, Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse

import clock
import trail_records
from answers import answer, fail

ROTATABLE = ("SYMMETRIC_DEFAULT",)
# What AWS lets other accounts do with a key. ListKeyRotations, GetKeyLastUsage, GetKeyPolicy, tags and aliases are not among it.
ACROSS = (
    "DescribeKey",
    "GetKeyRotationStatus",
    "Encrypt",
    "Decrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ListGrants",
)


def initialize(self, *args, **kwargs):
    base_initialize(self, *args, **kwargs)
    # moto leaves it out unless it is said.
    self.key_usage = self.key_usage or "ENCRYPT_DECRYPT"
    self.custom_store = self.expiration_model = self.valid_to = None
    self.current_material = None
    self.first_material = None
    self.rotation_period = 365
    self.next_rotation = self.on_demand_start = None
    self.last_use = None
    self.across = "denied"
    self.shown = {}
    if self.key_spec in ROTATABLE:
        self.current_material = self.first_material = secrets.token_hex(32)
    if self.origin == "EXTERNAL":
        # Its material is still to come.
        self.key_state, self.enabled = "PendingImport", False


def private_key(spec):
    """moto makes an RSA key, which takes a tenth of a second, also where there is none."""
    return None if spec in ROTATABLE or spec.startswith("HMAC") else base_private_key(spec)


def metadata(key):
    shown = base_to_dict(key)["KeyMetadata"]
    symmetric_of_kms = key.key_spec in ROTATABLE and key.origin in ("AWS_KMS", "EXTERNAL")
    shown.update(
        CurrentKeyMaterialId=key.current_material if symmetric_of_kms and key.key_state != "PendingImport" else None,
        CustomKeyStoreId=key.custom_store,
        Enabled=key.key_state == "Enabled",
        ExpirationModel=key.expiration_model,
        ValidTo=key.valid_to,
        DeletionDate=clock.parse(key.deletion_date) if key.key_state == "PendingDeletion" else None,
        **key.shown,
    )
    if key.key_usage == "GENERATE_VERIFY_MAC":
        shown["EncryptionAlgorithms"] = None
        shown["MacAlgorithms"] = [key.key_spec.replace("HMAC_", "HMAC_SHA_")]
    return shown


def find(self, name, operation=None):
    """The key of an id, an ARN or an alias, in this account or, if it lets us, in another."""
    operation = operation or self._get_action()
    backend = self.kms_backend
    if name.startswith("arn:"):
        _, _, _, region, account, _ = name.split(":", 5)
        if region != self.region:
            raise fail("NotFoundException", f"Invalid arn {region}")
        if account != self.current_account:
            return foreign(self, account, name, operation)
    base_validate(self, name)
    return backend.keys[backend.any_id_to_key_id(name)]


def foreign(self, account, arn, operation):
    backend = kms_backends[account][self.region]
    alias = ":alias/" in arn
    name = backend.get_key_id_from_alias(backend.get_alias_name(arn)) if alias else backend.get_key_id(arn)
    key = backend.keys.get(name)
    allowed = key and (key.across == "allowed" or f":{self.current_account}:" in (key.policy or ""))
    if not allowed or operation not in ACROSS:
        who = f"arn:aws:iam::{self.current_account}:root"
        text = f"User: {who} is not authorized to perform: kms:{operation} on resource: {arn}"
        raise fail("AccessDeniedException", text)
    return key


def validate_cmk(self, key_id):
    """For moto's own operations: another account's key is refused, not unknown."""
    if key_id.startswith("arn:") and key_id.split(":")[4] != self.current_account:
        foreign(self, key_id.split(":")[4], key_id, self._get_action())
    base_validate_cmk(self, key_id)


def describe_key(self):
    key = find(self, self._get_param("KeyId"))
    if key.account_id == self.current_account:
        self._validate_key_policy(key.id, "kms:DescribeKey")
    # A replica knows that it is one only after it was looked at.
    kms_backends[key.account_id][self.region].describe_key(key.id)
    return answer(self, {"KeyMetadata": metadata(key)})


def create_key(self):
    made = json.loads(base_create(self))["KeyMetadata"]
    key = self.kms_backend.keys[made["KeyId"]]
    key.custom_store = self._get_param("CustomKeyStoreId")
    if key.custom_store and key.origin == "AWS_KMS":
        key.origin = "AWS_CLOUDHSM"
    return answer(self, {"KeyMetadata": metadata(key)})


def needs(key, *states):
    """Refuses what the key's state does not allow."""
    if key.key_state in states:
        return
    if key.key_state == "Disabled":
        raise fail("DisabledException", f"{key.arn} is disabled.")
    if key.key_state == "PendingDeletion":
        raise fail("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    raise fail("KMSInvalidStateException", f"{key.arn} is in state {key.key_state}.")


def own(self):
    """A key of this account by id or ARN; aliases are refused, as AWS does for whatever changes a key."""
    name = self._get_param("KeyId")
    self._validate_cmk_id(name)
    return self.kms_backend.keys[self.kms_backend.get_key_id(name)]


def set_state(key, state):
    key.key_state, key.enabled = state, state == "Enabled"


def disable_key(self):
    key = own(self)
    needs(key, "Enabled", "Disabled")
    set_state(key, "Disabled")
    return answer(self, {})


def enable_key(self):
    key = own(self)
    needs(key, "Enabled", "Disabled")
    set_state(key, "Enabled")
    for listener in enabled_listeners:
        listener(key)
    return answer(self, {})


def schedule_key_deletion(self):
    key, days = own(self), self._get_param("PendingWindowInDays", 30)
    if not 7 <= days <= 30:
        raise fail("ValidationException", "PendingWindowInDays must be between 7 and 30.")
    needs(key, "Enabled", "Disabled", "PendingImport", "Unavailable")
    set_state(key, "PendingDeletion")
    key.deletion_date = clock.naive() + datetime.timedelta(days=days)
    return answer(
        self,
        {"DeletionDate": clock.parse(key.deletion_date), "KeyId": key.arn, "KeyState": key.key_state, "PendingWindowInDays": days},
    )


def cancel_key_deletion(self):
    key = own(self)
    if key.key_state != "PendingDeletion":
        raise fail("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    set_state(key, "Disabled")
    key.deletion_date = None
    return answer(self, {"KeyId": key.arn})


def delete_due(now):
    """Keys whose days are over are gone, and CloudTrail knows it."""
    for backend in backends():
        for key in list(backend.keys.values()):
            if key.key_state == "PendingDeletion" and clock.parse(key.deletion_date) <= now:
                backend.delete_key(key.id)
                when = clock.parse(key.deletion_date)
                trail_records.service_event(key.account_id, key.region, "DeleteKey", when, key.arn, {"keyId": key.id})


def backends():
    """Those that there are."""
    return [backend for account in kms_backends.values() for backend in account.values()]


def default_keys(self, alias_name):
    """The key that AWS manages for a service: its own, and rotated every year."""
    identifier = base_default_keys(self, alias_name)
    if identifier:
        key = self.keys[identifier]
        key.key_manager, key.key_rotation_status = "AWS", True
        service = alias_name.rsplit("/", 1)[-1]
        key.description = f"Default key that protects my {service} data when no other key is defined"
    return identifier


def dated(kind):
    """An alias or a grant that knows when it was made."""
    base = kind.__init__

    def initialize(self, *args, **kwargs):
        base(self, *args, **kwargs)
        self.made = clock.now()

    kind.__init__ = initialize


# Called with a key that was enabled again.
enabled_listeners = []

base_initialize, base_to_dict, base_default_keys = Key.__init__, Key.to_dict, KmsBackend._generate_default_keys
base_validate, base_validate_cmk = KmsResponse._validate_key_id, KmsResponse._validate_cmk_id
base_create = KmsResponse.create_key
base_private_key = models.generate_private_key
models.utcnow, models.unix_time, models.generate_private_key = clock.naive, clock.unix, private_key
Key.__init__ = initialize
KmsBackend._generate_default_keys = default_keys
KmsResponse._validate_cmk_id = validate_cmk
dated(Alias)
dated(Grant)
for operation in (describe_key, create_key, disable_key, enable_key, schedule_key_deletion, cancel_key_deletion):
    setattr(KmsResponse, operation.__name__, operation)
clock.listeners.append(delete_due)
