"""Lists of KMS in pages by Limit and Marker, with the times that moto leaves out and without the nulls that it puts in."""

import json

from moto.kms.responses import KmsResponse

from answers import answer, fail
from kms_keys import find, own
from pages import cut


def listed(self, member, items, key, default):
    size = self._get_param("Limit", default)
    if not 1 <= size <= 1000:
        raise fail("ValidationException", "Limit must be between 1 and 1000.")
    refuse = lambda: fail("InvalidMarkerException", "The marker is not one that was returned.")
    bound = (self._get_action(), self._get_param("KeyId"))
    page, following = cut(items, key, size, self._get_param("Marker"), refuse, bound)
    return {member: page, "NextMarker": following, "Truncated": following is not None}


def list_keys(self):
    keys = [{"KeyArn": key.arn, "KeyId": key.id} for key in self.kms_backend.keys.values()]
    return answer(self, listed(self, "Keys", keys, lambda key: key["KeyId"], 100))


def list_aliases(self):
    shown = json.loads(base_list_aliases(self))["Aliases"]
    held = {name: alias for key in self.kms_backend.keys.values() for name, alias in key.aliases.items()}
    for entry in shown:
        alias = held.get(entry["AliasName"])
        if alias is None:
            # A service's own, whose key is not made before it is first used; moto makes an id up.
            del entry["TargetKeyId"]
        else:
            entry.update(CreationDate=alias.made, LastUpdatedDate=alias.made)
    if self._get_param("KeyId"):
        shown = [entry for entry in shown if "TargetKeyId" in entry]
    return answer(self, listed(self, "Aliases", shown, lambda alias: alias["AliasName"], 50))


def list_resource_tags(self):
    tags = self.kms_backend.list_resource_tags(own(self).id)["Tags"]
    return answer(self, listed(self, "Tags", tags, lambda tag: tag["TagKey"], 50))


def list_grants(self):
    key = find(self, self._get_param("KeyId"))
    shown = [
        {
            "Constraints": grant.constraints or None,
            "CreationDate": grant.made,
            "GrantId": grant.id,
            "GranteePrincipal": grant.grantee_principal,
            "IssuingAccount": f"arn:aws:iam::{key.account_id}:root",
            "KeyId": key.arn,
            "Name": grant.name,
            "Operations": grant.operations,
            "RetiringPrincipal": grant.retiring_principal,
        }
        for grant in key.list_grants(self._get_param("GrantId"))
    ]
    return answer(self, listed(self, "Grants", shown, lambda grant: grant["GrantId"], 50))


base_list_aliases = KmsResponse.list_aliases
for operation in (list_keys, list_aliases, list_resource_tags, list_grants):
    setattr(KmsResponse, operation.__name__, operation)
