"""CloudTrail's records: one of every call that changes Redshift or KMS, or uses a key, in the shape that CloudTrail writes; and injected ones.

The shape is that of `golden/`. A call that failed is recorded with its error. Nothing here is secret, but passwords are starred as there.
"""

import itertools
import json
import re
import uuid
import xml.etree.ElementTree as ElementTree

import clock
import tally
from places import Places, of

INTERNAL = "AWS Internal"
# Reading is not recorded: LookupEvents is asked for what changes. Uses of keys are, as management events that only read.
USES = ("Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt")
READS = re.compile(r"(Describe|Get|List)[A-Z]")
HIDDEN = re.compile(r"password$|plaintext|ciphertext|certificate$|privatekey", re.IGNORECASE)
# Of Redshift's answers CloudTrail has little, and of a ModifyCluster that was captured nothing at all.
ANSWERED = ("CreateCluster", "RestoreFromClusterSnapshot", "RotateEncryptionKey", "DeleteCluster", "RebootCluster")
ELEMENTS = ("clusterIdentifier", "clusterStatus", "clusterNamespaceArn", "encrypted", "kmsKeyId", "nodeType")
CLUSTER, SNAPSHOT = "AWS::Redshift::Cluster", "AWS::Redshift::ClusterSnapshot"
# What LookupEvents finds an event by, besides the keys among its resources.
NAMED = {
    "clusterIdentifier": CLUSTER,
    "newClusterIdentifier": CLUSTER,
    "snapshotIdentifier": SNAPSHOT,
    "targetSnapshotIdentifier": SNAPSHOT,
    "snapshotCopyGrantName": "AWS::Redshift::SnapshotCopyGrant",
    "parameterGroupName": "AWS::Redshift::ClusterParameterGroup",
    "namespaceName": "AWS::RedshiftServerless::Namespace",
}

# Per account and region: (number, time, record, resources, visible from).
trail = Places(list)
_numbers = itertools.count()
_next = {}


def new_id():
    return str(uuid.uuid4())


def next_id():
    """The id of the event that the current call will leave."""
    return _next.setdefault("id", new_id())


def store(account, region, when, record, resources, visible=None):
    trail[account, region].append((next(_numbers), when, record, resources, visible))


def service_event(account, region, name, when, arn, details):
    """What AWS did by itself."""
    record = {
        "eventVersion": "1.11",
        "userIdentity": {"accountId": account, "invokedBy": INTERNAL},
        "eventTime": clock.text(when),
        "eventSource": "kms.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": INTERNAL,
        "userAgent": INTERNAL,
        "requestParameters": None,
        "responseElements": None,
        "eventID": new_id(),
        "readOnly": False,
        "resources": [{"accountId": account, "type": "AWS::KMS::Key", "ARN": arn}],
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": account,
        "serviceEventDetails": details,
        "eventCategory": "Management",
    }
    store(account, region, when, record, resources_of(record))


def inject(request):
    """Records of a test: {"record": {...}, "visible_from"?, "copies"? = 1, "resources"?}. What identifies one is filled in, no more."""
    account, region = of(request)
    for given in request["events"]:
        record = dict(given["record"])
        record.setdefault("eventID", new_id())
        record.setdefault("eventTime", clock.text(clock.now()))
        record.setdefault("recipientAccountId", account)
        record.setdefault("awsRegion", region)
        resources = [(r["type"], r["name"]) for r in given["resources"]] if "resources" in given else resources_of(record)
        visible, when = clock.parse(given.get("visible_from")), clock.parse(record["eventTime"])
        for _ in range(given.get("copies", 1)):
            store(account, region, when, record, resources, visible)
    return {"events": len(trail[account, region])}


def shown(request):
    """Every record of a place, oldest first, also those that LookupEvents does not show yet or any more."""
    return {"records": [record for _, _, record, _, _ in sorted(trail[of(request)], key=lambda e: (e[1], e[0]))]}


def resources_of(record):
    found = [(r["type"], r["ARN"]) for r in record.get("resources") or [] if "type" in r and "ARN" in r]
    parameters = record.get("requestParameters") or {}
    found += [(kind, parameters[name]) for name, kind in NAMED.items() if parameters.get(name)]
    return found


def record_calls(kind, source):
    """Makes a service's operations leave records."""
    base = kind.call_action

    def call_action(self):
        _next.clear()
        name = self._get_action()
        # As they came: operations change them on their way to moto.
        members = dict(self.params) if self.automated_parameter_parsing else json.loads(self.body or "{}")
        status, headers, body = base(self)
        if name and not READS.match(name):
            note(self, source, name, members, int(status), body)
        return status, headers, body

    kind.call_action = call_action


def note(self, source, name, members, status, body):
    account, region, now = self.current_account, self.region, clock.now()
    parameters = camel({n: v for n, v in members.items() if n not in ("Action", "Version")}) or None
    answered = parsed(body, source)
    record = {
        "eventVersion": "1.11",
        "userIdentity": identity(self),
        "eventTime": clock.text(now),
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": self.headers.get("User-Agent", ""),
    }
    if status >= 400:
        record["errorCode"], record["errorMessage"] = error_of(answered)
    record["requestParameters"] = parameters
    record["responseElements"] = None if status >= 400 else elements(source, name, answered)
    record["requestID"], record["eventID"] = new_id(), next_id()
    record["readOnly"] = name in USES
    if source == "kms.amazonaws.com":
        record["resources"] = keys_of(self, account, region, members, answered)
    record |= {
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{source.split('.')[0]}.{region}.amazonaws.com",
        },
    }
    store(account, region, now, record, resources_of(record))


def camel(value):
    """Parameters as CloudTrail writes them: the first letter small, secrets starred. Encryption contexts keep their names."""
    if isinstance(value, dict):
        answer = {}
        for name, part in value.items():
            if HIDDEN.search(name):
                if "plaintext" not in name.lower() and "ciphertext" not in name.lower():
                    answer[name[0].lower() + name[1:]] = "****"
            else:
                kept = name.lower().startswith("encryptioncontext") or name in ("tags",)
                answer[name[0].lower() + name[1:]] = part if kept else camel(part)
        return answer
    if isinstance(value, list):
        return [camel(part) for part in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def parsed(body, source):
    """The answer as nested dictionaries."""
    text = body.decode() if isinstance(body, bytes) else body or ""
    if source != "redshift.amazonaws.com" or not text.lstrip().startswith("<"):
        try:
            return json.loads(text or "{}") or {}
        except ValueError:
            return {}
    return tree(ElementTree.fromstring(text))


def tree(element):
    return {c.tag.rsplit("}", 1)[-1]: tree(c) for c in element} if len(element) else element.text


def error_of(answered):
    error = answered.get("Error") or answered
    code = error.get("Code") or str(error.get("__type", "")).rsplit("#", 1)[-1]
    return code, error.get("Message") or error.get("message") or ""


def elements(source, name, answered):
    if source == "redshift.amazonaws.com":
        cluster = camel((answered.get(f"{name}Result") or {}).get("Cluster") or {})
        cluster = {n: v == "true" if v in ("true", "false") else v for n, v in cluster.items() if n in ELEMENTS}
        return cluster if name in ANSWERED and cluster else None
    if name in USES:
        return None
    return camel({n: local_time(v) if n.endswith("Date") else v for n, v in answered.items()}) or None


def local_time(value):
    """CloudTrail writes KMS's times as a person would, and has mixed up two ways of it."""
    return clock.parse(value).strftime("%b %d, %Y %H:%M:%S %p") if isinstance(value, (int, float)) else value


def keys_of(self, account, region, members, answered):
    backend = self.kms_backend
    arns = []
    for name in (members.get("AliasName"), members.get("TargetKeyId"), members.get("KeyId")):
        if name and name.startswith("alias/"):
            arns.append(f"arn:aws:kms:{region}:{account}:{name}")
        elif name:
            arns.append(name if name.startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{name}")
    made = answered.get("KeyMetadata", {}).get("Arn")
    # Decrypt may leave the key to the ciphertext; ReEncrypt names source and destination.
    found = [arn for arn in (answered.get("SourceKeyId"), answered.get("KeyId")) if arn and arn.startswith("arn:")]
    arns = [made] if made else arns or found
    return [{"accountId": a.split(":")[4], "type": "AWS::KMS::Key", "ARN": a} for a in dict.fromkeys(arns)] if backend else []


def identity(self):
    """Who called, as STS would say."""
    from moto.sts.models import sts_backends

    key = self.get_access_key()
    user, arn, account = sts_backends[self.current_account][self.partition].get_caller_identity(key, self.region)
    kind, name = arn.split(":", 5)[5].split("/", 1)
    who = {"type": "IAMUser", "principalId": user, "arn": arn, "accountId": account, "accessKeyId": key}
    if kind != "assumed-role":
        # moto's STS calls itself the users' service.
        who["arn"] = arn.replace(":sts:", ":iam:")
        return {**who, "userName": name.rsplit("/", 1)[-1]}
    role, attributes = name.split("/")[0], {"creationDate": clock.text(clock.now()), "mfaAuthenticated": "false"}
    issuer = {
        "type": "Role",
        "principalId": user.split(":")[0],
        "arn": f"arn:aws:iam::{account}:role/{role}",
        "accountId": account,
        "userName": role,
    }
    return {**who, "type": "AssumedRole", "sessionContext": {"sessionIssuer": issuer, "attributes": attributes}}
