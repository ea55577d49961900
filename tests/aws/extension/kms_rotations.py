"""Rotation of keys: the period and the next date, every material by its id, and rotations that come due as the clock is set forward."""

import datetime
import secrets

from moto.kms.responses import KmsResponse

import clock
import kms_keys
import trail_records
from answers import answer, fail
from kms_keys import backends, find, needs, own
from kms_lists import listed

LIMIT_ON_DEMAND = 25


def refuse_unsupported(key, origins):
    if key.key_spec not in kms_keys.ROTATABLE or key.origin not in origins:
        raise fail("UnsupportedOperationException", f"{key.arn} origin is {key.origin} which is not valid for this operation.")


def period(key):
    return datetime.timedelta(days=key.rotation_period)


def last_rotation(key):
    dates = [rotation["RotationDate"] for rotation in key.rotations]
    return max(dates, default=clock.parse(key.creation_date))


def next_date(key):
    if not key.key_rotation_status or key.key_state == "PendingDeletion":
        return None
    return key.next_rotation or last_rotation(key) + period(key)


def rotate(key, when, kind):
    """New material, and the event that CloudTrail has of it."""
    previous = key.current_material
    key.current_material = secrets.token_hex(32)
    key.rotations.append({"KeyMaterialId": key.current_material, "RotationDate": when, "RotationType": kind})
    if kind == "AUTOMATIC":
        key.next_rotation = when + period(key)
    details = {
        "currentKeyMaterialId": key.current_material,
        "keyId": key.id,
        "keyOrigin": key.origin,
        "previousKeyMaterialId": previous,
        "rotationType": kind,
    }
    trail_records.service_event(key.account_id, key.region, "RotateKey", when, key.arn, details)


def rotate_due(now):
    for backend in backends():
        for key in backend.keys.values():
            while key.key_state == "Enabled" and (next_date(key) or now + period(key)) <= now:
                rotate(key, next_date(key), "AUTOMATIC")


def overdue(key):
    """A key that was disabled when it was due rotates when it is enabled again."""
    due = next_date(key)
    if due and due <= clock.now():
        rotate(key, clock.now(), "AUTOMATIC")


def get_key_rotation_status(self):
    key = find(self, self._get_param("KeyId"))
    refuse_unsupported(key, ("AWS_KMS",))
    on = bool(key.key_rotation_status) and key.key_state != "PendingDeletion"
    return answer(
        self,
        {
            "KeyId": key.arn,
            "KeyRotationEnabled": on,
            "NextRotationDate": next_date(key),
            "OnDemandRotationStartDate": key.on_demand_start,
            "RotationPeriodInDays": key.rotation_period if on else None,
        },
    )


def enable_key_rotation(self):
    key, days = own(self), self._get_param("RotationPeriodInDays")
    refuse_unsupported(key, ("AWS_KMS",))
    needs(key, "Enabled")
    if days is not None and not 90 <= days <= 2560:
        raise fail("ValidationException", "RotationPeriodInDays must be between 90 and 2560.")
    if days or not key.key_rotation_status:
        key.rotation_period = days or 365
        key.next_rotation = clock.now() + period(key)
    key.key_rotation_status = True
    return answer(self, {})


def disable_key_rotation(self):
    key = own(self)
    refuse_unsupported(key, ("AWS_KMS",))
    needs(key, "Enabled")
    key.key_rotation_status, key.next_rotation = False, None
    return answer(self, {})


def rotate_key_on_demand(self):
    key = own(self)
    refuse_unsupported(key, ("AWS_KMS", "EXTERNAL"))
    needs(key, "Enabled")
    if sum(rotation["RotationType"] == "ON_DEMAND" for rotation in key.rotations) >= LIMIT_ON_DEMAND:
        raise fail("LimitExceededException", f"{key.arn} was rotated on demand {LIMIT_ON_DEMAND} times.")
    rotate(key, clock.now(), "ON_DEMAND")
    return answer(self, {"KeyId": key.arn})


def list_key_rotations(self):
    key = find(self, self._get_param("KeyId"))
    refuse_unsupported(key, ("AWS_KMS", "EXTERNAL"))
    materials = [dict(rotation) for rotation in key.rotations]
    if self._get_param("IncludeKeyMaterial") == "ALL_KEY_MATERIAL":
        # The first one came with the key: it has no rotation.
        materials.insert(0, {"KeyMaterialId": key.first_material})
    for material in materials:
        material["KeyId"] = key.id
        current = material.get("KeyMaterialId") == key.current_material
        material.setdefault("KeyMaterialState", "CURRENT" if current else "NON_CURRENT")
        if key.origin == "EXTERNAL":
            material.setdefault("ImportState", "IMPORTED")
            material.setdefault("ExpirationModel", key.expiration_model or "KEY_MATERIAL_DOES_NOT_EXPIRE")
            material.setdefault("ValidTo", clock.parse(key.valid_to))
    order = lambda material: (material.get("RotationDate") or clock.parse(0), material.get("KeyMaterialId") or "")
    return answer(self, listed(self, "Rotations", materials, order, 100))


for operation in (get_key_rotation_status, enable_key_rotation, disable_key_rotation, rotate_key_on_demand, list_key_rotations):
    setattr(KmsResponse, operation.__name__, operation)
clock.listeners.insert(0, rotate_due)
kms_keys.enabled_listeners.append(overdue)
