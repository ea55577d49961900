"""What a test sets of a key: states that take AWS months, materials that expire, rotations of years ago."""

import clock
from kms_keys import ROTATABLE, set_state

TIMES = ("CreationDate", "DeletionDate", "ValidTo", "NextRotationDate", "OnDemandRotationStartDate")
ATTRIBUTES = {
    "CreationDate": "creation_date",
    "CrossAccount": "across",
    "CurrentKeyMaterialId": "current_material",
    "CustomKeyStoreId": "custom_store",
    "DeletionDate": "deletion_date",
    "Description": "description",
    "ExpirationModel": "expiration_model",
    "FirstKeyMaterialId": "first_material",
    "KeyManager": "key_manager",
    "KeyRotationEnabled": "key_rotation_status",
    "NextRotationDate": "next_rotation",
    "OnDemandRotationStartDate": "on_demand_start",
    "Origin": "origin",
    "Policy": "policy",
    "RotationPeriodInDays": "rotation_period",
    "ValidTo": "valid_to",
}


def patch(backend, key, values):
    """Sets fields by AWS's names; null takes a field away. `Tags` and `Rotations` are replaced as a whole."""
    for name, value in values.items():
        value = clock.parse(value) if name in TIMES else value
        if name == "KeyState":
            set_state(key, value)
        elif name == "CreationDate":
            key.creation_date = value.timestamp()
        elif name == "Tags":
            backend.tagger.delete_all_tags_for_resource(key.id)
            backend.tagger.tag_resource(key.id, value)
        elif name == "Rotations":
            key.rotations = [dated(rotation) for rotation in value]
        elif name == "KeyLastUsage":
            key.last_use = value and {**value, "Timestamp": clock.parse(value["Timestamp"])}
        elif name in ATTRIBUTES:
            setattr(key, ATTRIBUTES[name], value)
        else:
            key.shown[name] = value
    if key.key_spec not in ROTATABLE:
        key.current_material = None


def dated(rotation):
    rotation = {name: clock.parse(v) if name in ("RotationDate", "ValidTo") else v for name, v in rotation.items()}
    rotation.setdefault("RotationType", "AUTOMATIC")
    return rotation
