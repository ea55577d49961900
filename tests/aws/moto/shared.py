"""What clusters and workgroups have in common: temporary credentials, and endpoints that tests choose.

Either is created with the tag `lookback-test-endpoint` = `ADDRESS:PORT` to have that endpoint; the tag itself is not kept.
"""

import datetime
import secrets

ENDPOINT_TAG = "lookback-test-endpoint"
DEFAULT_ACCOUNT = "123456789012"

# Every password that was handed out: what a database server would know.
handed_out = []
# The password that is handed out from now on, if a test chose one: its clusters know it before it is asked for.
chosen = {}


def password():
    """The password that is handed out next."""
    return chosen.get("password") or secrets.token_urlsafe(48)


def sessions():
    """Keys of every role that was assumed."""
    from moto.sts.models import sts_backends

    return [
        {"role": role.role_arn, "secret": role.secret_access_key, "token": role.session_token}
        for partitions in sts_backends.values()
        for backend in partitions.values()
        for role in backend.assumed_roles
    ]


def credentials(response, duration, **place):
    """A new password for whoever calls: user, password, when it expires, and when to ask for the next one."""
    duration = 900 if duration is None else int(duration)
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    given = {
        "user": caller(response),
        "password": password(),
        "expiration": now + datetime.timedelta(seconds=duration),
        "next_refresh_time": now + datetime.timedelta(seconds=duration // 2),
    }
    handed_out.append(
        {
            **place,
            "account": response.current_account,
            "region": response.region,
            "user": given["user"],
            "password": given["password"],
            "duration": duration,
            "expiration": given["expiration"].isoformat(),
        }
    )
    return given


def caller(response):
    """The database user that an IAM identity is: `IAM:` and a user's name, or `IAMR:` and a role's."""
    from moto.sts.models import sts_backends

    backend = sts_backends[response.current_account][response.partition]
    arn = backend.get_caller_identity(response.get_access_key(), response.region)[1]
    kind, name = arn.split(":", 5)[5].split("/", 1)
    if kind == "assumed-role":
        return f"IAMR:{name.split('/')[0]}"
    return f"IAM:{name.split('/')[-1]}"


def take_endpoint(tags, key, value):
    """The endpoint that the tags give, if they do, and the tags without it."""
    chosen = next((tag[value] for tag in tags if tag[key] == ENDPOINT_TAG), None)
    rest = [tag for tag in tags if tag[key] != ENDPOINT_TAG]
    if chosen is None:
        return None, rest
    address, _, port = chosen.rpartition(":")
    return {"Address": address, "Port": int(port)}, rest
