"""Uses of keys: they need an enabled key, which moto does not mind, and KMS remembers the last one."""

import functools

from moto.kms.models import KmsBackend
from moto.kms.responses import KmsResponse

import clock
import tally
import trail_records
from answers import answer
from kms_keys import find, needs
from places import settings

USES = {"encrypt": "Encrypt", "decrypt": "Decrypt"}


def used(base):
    """Encrypting or decrypting: it needs an enabled key, and KMS remembers the last time."""

    @functools.wraps(base)
    def operation(self, *args, **kwargs):
        if "key_id" in kwargs and kwargs["key_id"] and base.__name__ == "encrypt":
            needs(self.keys[self.any_id_to_key_id(kwargs["key_id"])], "Enabled")
        result = base(self, *args, **kwargs)
        key = self.keys[result[1].rsplit("/", 1)[-1]]
        needs(key, "Enabled")
        called = tally.current.operation if tally.current.service == "kms" else USES[base.__name__]
        key.last_use = {
            "CloudTrailEventId": trail_records.next_id(),
            "KmsRequestId": trail_records.new_id(),
            "Operation": called,
            "Timestamp": clock.now(),
        }
        return result

    return operation


def get_key_last_usage(self):
    key = find(self, self._get_param("KeyId"))
    return answer(
        self,
        {
            "KeyCreationDate": key.creation_date,
            "KeyId": key.arn,
            "KeyLastUsage": key.last_use,
            "TrackingStartDate": clock.parse(settings["usage_tracking_start"]),
        },
    )


KmsBackend.encrypt, KmsBackend.decrypt = used(KmsBackend.encrypt), used(KmsBackend.decrypt)
KmsResponse.get_key_last_usage = get_key_last_usage
