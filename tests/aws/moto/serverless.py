"""Redshift Serverless, which moto does not have: namespaces, workgroups and their temporary credentials.

Shapes and limits are those of botocore's model of the service, test_fakes.py holds the answers against it.
"""

import base64
import datetime
import re
import sys
import types
import uuid

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from shared import DEFAULT_ACCOUNT, credentials, take_endpoint

NAME = re.compile(r"[a-z0-9-]{3,64}")


class NotFound(ServiceException):
    code = "ResourceNotFoundException"


class Conflict(ServiceException):
    code = "ConflictException"


class Invalid(ServiceException):
    code = "ValidationException"


class ServerlessBackend(BaseBackend):
    """What one account has in one region."""

    def __init__(self, region_name, account_id):
        super().__init__(region_name, account_id)
        self.namespaces = {}
        self.workgroups = {}

    @property
    def _url_module(self):
        return types.SimpleNamespace(
            url_bases=[r"https?://redshift-serverless\.(.+)\.amazonaws\.com"],
            url_paths={"{0}/$": ServerlessResponse.dispatch},
        )

    def arn(self, kind, identifier):
        return f"arn:aws:redshift-serverless:{self.region_name}:{self.account_id}:{kind}/{identifier}"


class ServerlessResponse(BaseResponse):
    """The operations, by the names that moto looks for."""

    def __init__(self):
        super().__init__(service_name="redshift-serverless")
        self.automated_parameter_parsing = True

    @property
    def backend(self):
        return serverless_backends[self.current_account][self.region]

    def name(self, member):
        name = self._get_param(member)
        if name is None or not NAME.fullmatch(name):
            raise Invalid(f"{member} must have 3 to 64 characters out of a-z, 0-9 and -.")
        return name

    def found(self, member, things):
        name = self.name(member)
        if name not in things:
            raise NotFound(f"{member} {name} was not found.")
        return things[name]

    def create_namespace(self):
        name = self.name("namespaceName")
        if name in self.backend.namespaces:
            raise Conflict(f"Namespace {name} already exists.")
        identifier = str(uuid.uuid4())
        self.backend.namespaces[name] = {
            "adminUsername": self._get_param("adminUsername", "admin"),
            "creationDate": now(),
            "dbName": self._get_param("dbName", "dev"),
            "iamRoles": self._get_param("iamRoles", []),
            "kmsKeyId": self._get_param("kmsKeyId", "AWS_OWNED_KMS_KEY"),
            "logExports": self._get_param("logExports", []),
            "namespaceArn": self.backend.arn("namespace", identifier),
            "namespaceId": identifier,
            "namespaceName": name,
            "status": "AVAILABLE",
        }
        return ActionResult({"namespace": self.backend.namespaces[name]})

    def get_namespace(self):
        return ActionResult({"namespace": self.found("namespaceName", self.backend.namespaces)})

    def list_namespaces(self):
        return self.page("namespaces", self.backend.namespaces)

    def create_workgroup(self):
        name = self.name("workgroupName")
        if name in self.backend.workgroups:
            raise Conflict(f"Workgroup {name} already exists.")
        namespace = self.found("namespaceName", self.backend.namespaces)
        identifier = str(uuid.uuid4())
        port = self._get_param("port", 5439)
        host = f"{name}.{self.current_account}.{self.region}.redshift-serverless.amazonaws.com"
        chosen, _ = take_endpoint(self._get_param("tags", []), "key", "value")
        address, port = (chosen["Address"], chosen["Port"]) if chosen else (host, port)
        self.backend.workgroups[name] = {
            "baseCapacity": self._get_param("baseCapacity", 128),
            "configParameters": self._get_param("configParameters", []),
            "creationDate": now(),
            "endpoint": {"address": address, "port": port, "vpcEndpoints": []},
            "enhancedVpcRouting": self._get_param("enhancedVpcRouting", False),
            "namespaceName": namespace["namespaceName"],
            "port": port,
            "publiclyAccessible": self._get_param("publiclyAccessible", False),
            "securityGroupIds": self._get_param("securityGroupIds", []),
            "status": "AVAILABLE",
            "subnetIds": self._get_param("subnetIds", []),
            "workgroupArn": self.backend.arn("workgroup", identifier),
            "workgroupId": identifier,
            "workgroupName": name,
        }
        return ActionResult({"workgroup": self.backend.workgroups[name]})

    def get_workgroup(self):
        return ActionResult({"workgroup": self.found("workgroupName", self.backend.workgroups)})

    def list_workgroups(self):
        return self.page("workgroups", self.backend.workgroups)

    def get_credentials(self):
        workgroup = self.found("workgroupName", self.backend.workgroups)["workgroupName"]
        duration = self._get_param("durationSeconds")
        if duration is not None and not 900 <= duration <= 3600:
            raise Invalid("durationSeconds must be between 900 and 3600.")
        given = credentials(
            self, duration, operation="GetCredentials", workgroup=workgroup, database=self._get_param("dbName")
        )
        return ActionResult(
            {
                "dbUser": given["user"],
                "dbPassword": given["password"],
                "expiration": given["expiration"],
                "nextRefreshTime": given["next_refresh_time"],
            }
        )

    def page(self, member, things):
        size = self._get_param("maxResults", 100)
        if not 1 <= size <= 100:
            raise Invalid("maxResults must be between 1 and 100.")
        token = self._get_param("nextToken")
        names = sorted(things)
        if token:
            last = base64.urlsafe_b64decode(token).decode()
            names = [name for name in names if name > last]
        answer = {member: [things[name] for name in names[:size]]}
        if len(names) > size:
            answer["nextToken"] = base64.urlsafe_b64encode(names[size - 1].encode()).decode()
        return ActionResult(answer)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def set_endpoint(request):
    backend = serverless_backends[request.get("account", DEFAULT_ACCOUNT)][request["region"]]
    endpoint = backend.workgroups[request["workgroup"]]["endpoint"]
    endpoint["address"], endpoint["port"] = request["address"], int(request["port"])


serverless_backends = BackendDict(ServerlessBackend, "redshift-serverless")

# moto finds a service by its host name, then by the name of a module.
MODULE = types.ModuleType("moto.redshiftserverless")
MODULE.redshiftserverless_backends = serverless_backends
sys.modules[MODULE.__name__] = MODULE
