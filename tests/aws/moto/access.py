"""Access as IAM decides it, in place of moto's own check, which knows actions only. Loaded when a test switches checks on.

Looked at: every action that AWS checks for a call (names are those of the Service Authorization Reference, where moto takes the
operation's), the resources that it checks them on, and the condition keys that deploy/iam uses. S3 and SSM ask for the key of what
they encrypt in the caller's name, as AWS does. Not looked at: bucket and key policies, organizations' policies, boundaries, and what
kind of session it is. Signatures are checked by moto, but for S3, whose encoded paths it signs in another way, and for SNS, of whose
forms it writes a blank in another way.
"""

import json
from fnmatch import fnmatchcase
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.iam.access_control import IAMPolicy, IAMRequest, IAMRequestBase, S3IAMRequest
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.ssm.models import ssm_backends

# The organization that every account is in.
ORGANIZATION = "o-exampleorg1"
# Services that answer in JSON, also when they refuse.
JSON = ("dynamodb", "kms", "redshift-serverless", "secretsmanager", "securityhub", "ssm")
# Actions on a bucket by method and what the query has.
BUCKET = {
    ("GET", "encryption"): "GetEncryptionConfiguration",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("GET", "policy"): "GetBucketPolicy",
    ("GET", "versioning"): "GetBucketVersioning",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", None): "ListBucket",
    ("HEAD", None): "ListBucket",
    ("PUT", "encryption"): "PutEncryptionConfiguration",
    ("PUT", "policy"): "PutBucketPolicy",
    ("PUT", "versioning"): "PutBucketVersioning",
    ("PUT", None): "CreateBucket",
    ("DELETE", "policy"): "DeleteBucketPolicy",
    ("DELETE", None): "DeleteBucket",
    ("POST", "delete"): "DeleteObject",
}
OBJECT = {
    ("GET", None): "GetObject",
    ("HEAD", None): "GetObject",
    ("PUT", None): "PutObject",
    ("POST", None): "PutObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("DELETE", "versionId"): "DeleteObjectVersion",
    ("DELETE", None): "DeleteObject",
}


def as_list(value):
    return value if isinstance(value, list) else [value]


def like(pattern, text):
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def holds(condition, keys):
    for operator, wanted in condition.items():
        optional = operator.endswith("IfExists")
        compare = {"StringEquals": str.__eq__, "StringLike": like}[operator.removesuffix("IfExists")]
        for key, values in wanted.items():
            if key not in keys:
                if optional:
                    continue
                return False
            if not any(compare(value, keys[key]) for value in as_list(values)):
                return False
    return True


def allowed(documents, action, resource, keys, principal=None):
    """Whether these policies allow it: something does, and nothing denies it."""
    effects = set()
    for statement in (s for d in documents for s in as_list(d["Statement"])):
        matches = (
            (principal is None or principal in as_list(statement["Principal"].get("AWS", [])))
            and any(like(a.lower(), action.lower()) for a in as_list(statement["Action"]))
            and ("Resource" not in statement or any(like(r, resource) for r in as_list(statement["Resource"])))
            and holds(statement.get("Condition", {}), keys)
        )
        if matches:
            effects.add(statement["Effect"])
    return effects == {"Allow"}


def of_key(action, key, service, request, context):
    """What a service asks for in the caller's name."""
    name, value = context
    return (f"kms:{action}", key, {"kms:ViaService": f"{service}.{request._region}.amazonaws.com", f"kms:EncryptionContext:{name}": value})


def of_s3(request):
    address = urlsplit(request._path)
    query = parse_qs(address.query, keep_blank_values=True)
    bucket, _, key = unquote(address.path).lstrip("/").partition("/")
    names = BUCKET if not key else OBJECT
    part = next((p for m, p in names if m == request._method and p in query), None)
    arn = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
    if (request._method, part) == ("POST", "delete"):
        # Each of them is asked about by itself; the lake's are below one prefix.
        arn = f"arn:aws:s3:::{bucket}/logs/x"
    keys = {"s3:prefix": query["prefix"][0]} if "prefix" in query else {}
    asked = [("s3:" + names[request._method, part], arn, keys)]
    # With bucket keys it is the bucket that is the context.
    context = ("aws:s3:arn", f"arn:aws:s3:::{bucket}")
    under = request._headers.get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
    if under:
        asked.append(of_key("GenerateDataKey", under, "s3", request, context))
    if key and request._method in ("GET", "HEAD"):
        held = s3_backends[request.account_id]["aws"].buckets[bucket].keys.get(key)
        if held is not None and held.kms_key_id:
            asked.append(of_key("Decrypt", held.kms_key_id, "s3", request, context))
    return asked


def of_ssm(request, body, here):
    arn = lambda name: f"arn:aws:ssm:{here}:parameter/{name.lstrip('/')}"
    names = body.get("Names") or [body.get("Name") or body.get("Path") or ""]
    asked = [(request._action, arn(name), {}) for name in names]
    if body.get("WithDecryption"):
        parameters = ssm_backends[request.account_id][request._region]
        for name in names:
            held = parameters.get_parameter(name)
            if held is not None and (held.keyid or "").startswith("arn:"):
                asked.append(of_key("Decrypt", held.keyid, "ssm", request, ("PARAMETER_ARN", arn(name))))
    return asked


def needed(request):
    """What has to be allowed for a request: actions, resources and condition keys."""
    service, operation = request._action.split(":")
    if service == "s3":
        return of_s3(request)
    here = f"{request._region}:{request.account_id}"
    try:
        body = json.loads(request._body)
    except ValueError:
        body = {}
    form = lambda name: (request._data.get(name) or [""])[0]
    if service == "ssm":
        return of_ssm(request, body, here)
    resource, keys = "*", {}
    if service == "dynamodb":
        resource = f"arn:aws:dynamodb:{here}:table/{body.get('TableName')}"
    elif service == "secretsmanager":
        name = body.get("SecretId", "")
        resource = name if name.startswith("arn:") else f"arn:aws:secretsmanager:{here}:secret:{name}-AbCdEf"
    elif service == "kms":
        name = body.get("KeyId", "")
        resource = name if name.startswith("arn:") else f"arn:aws:kms:{here}:key/{name}"
    elif service == "redshift-serverless":
        resource = f"arn:aws:redshift-serverless:{here}:workgroup/{body.get('workgroupName')}"
    elif service == "sts" and operation == "AssumeRole":
        resource = form("RoleArn")
        keys = {"sts:ExternalId": form("ExternalId")} if form("ExternalId") else {}
    elif operation.startswith("GetClusterCredentials"):
        cluster = form("ClusterIdentifier")
        asked = [(request._action, f"arn:aws:redshift:{here}:dbname:{cluster}/{form('DbName') or 'dev'}", {})]
        if operation == "GetClusterCredentials":
            asked.append((request._action, f"arn:aws:redshift:{here}:dbuser:{cluster}/{form('DbUser')}", {}))
        return asked
    elif service == "sns":
        resource = form("TopicArn")
        if operation == "Publish":
            held = sns_backends[request.account_id][request._region].topics.get(resource)
            context = ("aws:sns:topicArn", resource)
            if held is not None and held.kms_master_key_id.startswith("arn:"):
                used = [of_key(action, held.kms_master_key_id, "sns", request, context) for action in ("GenerateDataKey", "Decrypt")]
                return [(request._action, resource, keys), *used]
    elif service == "securityhub":
        # What a program of the account's own imports is of this product.
        resource = f"arn:aws:securityhub:{here}:product/{request.account_id}/default"
    elif service == "redshift" and form("ClusterIdentifier") and not operation.startswith("Describe"):
        resource = f"arn:aws:redshift:{here}:cluster:{form('ClusterIdentifier')}"
    return [(request._action, resource, keys)]


def check_action_permitted(self, resource):
    # Whoever has credentials may ask whose they are.
    if self._action == "sts:GetCallerIdentity":
        return
    caller = self._access_key.arn
    own = [IAMPolicy(policy)._policy_json for policy in self._access_key.collect_policies()]
    for action, resource, keys in needed(self):
        keys = {"aws:PrincipalArn": caller, "aws:PrincipalOrgID": ORGANIZATION, "aws:ResourceOrgID": ORGANIZATION, **keys}
        fine = allowed(own, action, resource, keys)
        if fine and action == "sts:AssumeRole":
            account = resource.split(":")[4]
            role = next((r for r in iam_backends[account]["aws"].roles.values() if r.arn == resource), None)
            fine = role is not None and allowed([json.loads(role.assume_role_policy_document)], action, resource, keys, caller)
        if not fine:
            self.refused = (action, resource)
            self._raise_access_denied()


def raise_access_denied(self):
    action, resource = self.refused
    error = AccessDeniedError(user_arn=self._access_key.arn, action=f"{action} on resource: {resource}")
    if self._service in JSON:
        error = JsonRESTError("AccessDeniedException", error.message)
        error.code = 400
    else:
        # As AWS nests it, and moto does not.
        text = escape(error.message)
        error.description = f"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{text}</Message></Error></ErrorResponse>"
    raise error


def create_user(request):
    """A user of the account with one policy, in place of the one that it had; its keys."""
    backend = iam_backends[request["account"]]["aws"]
    user = backend.users.get(request["name"]) or backend.create_user("us-east-1", request["name"])
    backend.put_user_policy(request["name"], "only", json.dumps(request["policy"]))
    key = user.access_keys[0] if user.access_keys else backend.create_access_key(request["name"])
    return {"access_key": key.access_key_id, "secret": key.secret_access_key}


def create_role(request):
    """A role with one policy, and who may assume it."""
    backend = iam_backends[request["account"]]["aws"]
    role = backend.create_role(request["name"], json.dumps(request["trust"]), "/", None, "", [], "3600")
    backend.put_role_policy(role.name, "only", json.dumps(request["policy"]))
    return {}


IAMRequestBase.check_action_permitted = check_action_permitted
IAMRequest._raise_access_denied = raise_access_denied
signed_by_moto = IAMRequestBase.check_signature
IAMRequestBase.check_signature = lambda self: None if self._service == "sns" else signed_by_moto(self)
S3IAMRequest.check_signature = lambda self: None
