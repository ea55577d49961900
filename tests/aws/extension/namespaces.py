"""Redshift Serverless beyond making and finding: changes, snapshots, recovery points, copies, tags; lists whose tokens and pages can go wrong.

`tests/aws/moto/serverless.py` has the service itself.
"""

import uuid

import serverless

import clock
from answers import answer
from key_names import key_arn
from pages import cut
from places import settings
from shared import ENDPOINT_TAG

OWNED = "AWS_OWNED_KMS_KEY"
Response, Invalid, Conflict, NotFound = (
    serverless.ServerlessResponse,
    serverless.Invalid,
    serverless.Conflict,
    serverless.NotFound,
)


class InvalidPage(serverless.ServiceException):
    code = "InvalidPaginationException"


def initialize(self, *args, **kwargs):
    base_initialize(self, *args, **kwargs)
    self.snapshots, self.recovery_points, self.copies, self.tags = {}, {}, {}, {}
    # By namespace: how many more looks show its change.
    self.changing = {}


def page(self, member, things, refusal=Invalid):
    size = self._get_param("maxResults") or 100
    if not 1 <= size <= 100:
        raise Invalid("maxResults must be between 1 and 100.")
    refuse = lambda: refusal("The nextToken is not one that was returned.")
    bound = (self._get_action(), self._get_param("namespaceName"))
    names, following = cut(list(things), lambda name: name, size, self._get_param("nextToken"), refuse, bound)
    return answer(self, {member: [things[name] for name in names], "nextToken": following})


def list_namespaces(self):
    for name in self.backend.namespaces:
        looked_at(self.backend, name)
    return page(self, "namespaces", self.backend.namespaces)


def get_namespace(self):
    found = self.found("namespaceName", self.backend.namespaces)
    looked_at(self.backend, found["namespaceName"])
    return answer(self, {"namespace": found})


def looked_at(backend, name):
    """A look at a namespace that changes brings it nearer to the end of its change."""
    left = backend.changing.get(name)
    if left is not None:
        backend.changing[name] = left - 1
        if left <= 0:
            backend.namespaces[name]["status"] = "AVAILABLE"
            del backend.changing[name]


def key_of(self, name):
    return OWNED if name in (None, OWNED) else key_arn(self.current_account, self.region, name)


def tag(self, arn):
    found = [t for t in self._get_param("tags") or [] if t["key"] != ENDPOINT_TAG]
    self.backend.tags[arn] = found


def create_namespace(self):
    self.params = {**self.params, "kmsKeyId": key_of(self, self._get_param("kmsKeyId"))}
    made = base_create_namespace(self).result["namespace"]
    set_secret(self, made)
    tag(self, made["namespaceArn"])
    return answer(self, {"namespace": made})


def create_workgroup(self):
    made = base_create_workgroup(self).result["workgroup"]
    tag(self, made["workgroupArn"])
    return answer(self, {"workgroup": made})


def set_secret(self, namespace):
    managed, key = self._get_param("manageAdminPassword"), self._get_param("adminPasswordSecretKmsKeyId")
    if managed:
        name = f"redshift!{namespace['namespaceName']}-{namespace['adminUsername']}-{uuid.uuid4().hex[:6]}"
        namespace["adminPasswordSecretArn"] = f"arn:aws:secretsmanager:{self.region}:{self.current_account}:secret:{name}"
    if key and "adminPasswordSecretArn" in namespace:
        namespace["adminPasswordSecretKmsKeyId"] = key_arn(self.current_account, self.region, key)


def update_namespace(self):
    namespace = self.found("namespaceName", self.backend.namespaces)
    for member in ("adminUsername", "defaultIamRoleArn", "iamRoles", "logExports"):
        if self._get_param(member) is not None:
            namespace[member] = self._get_param(member)
    set_secret(self, namespace)
    key = self._get_param("kmsKeyId")
    if key and key_of(self, key) != namespace["kmsKeyId"]:
        namespace["kmsKeyId"] = key_of(self, key)
        if settings["modify_describes"] != 0:
            namespace["status"] = "MODIFYING"
            if settings["modify_describes"] is not None:
                self.backend.changing[namespace["namespaceName"]] = settings["modify_describes"]
    return answer(self, {"namespace": namespace})


def delete_namespace(self):
    namespace = self.found("namespaceName", self.backend.namespaces)
    name = namespace["namespaceName"]
    if any(w["namespaceName"] == name for w in self.backend.workgroups.values()):
        raise Conflict(f"Namespace {name} has a workgroup.")
    final = self._get_param("finalSnapshotName")
    if final:
        make_snapshot(self, final, namespace, self._get_param("finalSnapshotRetentionPeriod"))
    del self.backend.namespaces[name]
    return answer(self, {"namespace": {**namespace, "status": "DELETING"}})


def update_workgroup(self):
    workgroup = self.found("workgroupName", self.backend.workgroups)
    for member in ("baseCapacity", "configParameters", "enhancedVpcRouting", "publiclyAccessible", "securityGroupIds"):
        if self._get_param(member) is not None:
            workgroup[member] = self._get_param(member)
    return answer(self, {"workgroup": workgroup})


def delete_workgroup(self):
    workgroup = self.found("workgroupName", self.backend.workgroups)
    del self.backend.workgroups[workgroup["workgroupName"]]
    return answer(self, {"workgroup": {**workgroup, "status": "DELETING"}})


def snapshot(backend, name, values):
    """A snapshot as AWS lists it."""
    return {
        "accountsWithProvisionedRestoreAccess": [],
        "accountsWithRestoreAccess": [],
        "adminUsername": "admin",
        "kmsKeyId": OWNED,
        "ownerAccount": backend.account_id,
        "snapshotArn": backend.arn("snapshot", str(uuid.uuid4())),
        "snapshotCreateTime": clock.now(),
        "snapshotName": name,
        "snapshotRetentionPeriod": -1,
        "status": "AVAILABLE",
        "totalBackupSizeInMegaBytes": 400.0,
        **values,
    }


def make_snapshot(self, name, namespace, retention):
    if name in self.backend.snapshots:
        raise Conflict(f"Snapshot {name} already exists.")
    kept = ("adminUsername", "adminPasswordSecretArn", "adminPasswordSecretKmsKeyId", "kmsKeyId", "namespaceArn", "namespaceName")
    values = {member: namespace[member] for member in kept if member in namespace}
    made = snapshot(self.backend, name, {**values, "snapshotRetentionPeriod": retention or -1})
    self.backend.snapshots[name] = made
    return made


def create_snapshot(self):
    namespace = self.found("namespaceName", self.backend.namespaces)
    made = make_snapshot(self, self._get_param("snapshotName"), namespace, self._get_param("retentionPeriod"))
    tag(self, made["snapshotArn"])
    return answer(self, {"snapshot": made})


def delete_snapshot(self):
    made = self.backend.snapshots.pop(self._get_param("snapshotName"), None)
    if made is None:
        raise NotFound("The snapshot was not found.")
    return answer(self, {"snapshot": {**made, "status": "DELETED"}})


def chosen(self, things, time):
    asked = self._get_param
    start, end = clock.parse(asked("startTime")), clock.parse(asked("endTime"))
    return {
        name: thing
        for name, thing in things.items()
        if asked("namespaceName") in (None, thing.get("namespaceName"))
        and asked("namespaceArn") in (None, thing.get("namespaceArn"))
        and (not start or thing[time] >= start)
        and (not end or thing[time] <= end)
    }


def list_snapshots(self):
    return page(self, "snapshots", chosen(self, self.backend.snapshots, "snapshotCreateTime"))


def list_recovery_points(self):
    return page(self, "recoveryPoints", chosen(self, self.backend.recovery_points, "recoveryPointCreateTime"))


def list_snapshot_copy_configurations(self):
    name = self._get_param("namespaceName")
    if name and name not in self.backend.namespaces:
        raise NotFound(f"namespaceName {name} was not found.")
    found = {i: c for i, c in self.backend.copies.items() if name in (None, c["namespaceName"])}
    return page(self, "snapshotCopyConfigurations", found, InvalidPage)


def create_snapshot_copy_configuration(self):
    namespace, region = self.found("namespaceName", self.backend.namespaces), self._get_param("destinationRegion")
    key, identifier = self._get_param("destinationKmsKeyId"), str(uuid.uuid4())
    for held in self.backend.copies.values():
        if (held["namespaceName"], held["destinationRegion"]) == (namespace["namespaceName"], region):
            raise Conflict("The namespace is copied there already.")
    made = {
        "destinationKmsKeyId": key_arn(self.current_account, region, key) if key else OWNED,
        "destinationRegion": region,
        "namespaceName": namespace["namespaceName"],
        "snapshotCopyConfigurationArn": self.backend.arn("snapshotcopyconfiguration", identifier),
        "snapshotCopyConfigurationId": identifier,
        "snapshotRetentionPeriod": self._get_param("snapshotRetentionPeriod") or -1,
    }
    self.backend.copies[identifier] = made
    return answer(self, {"snapshotCopyConfiguration": made})


def copy_of(self):
    identifier = self._get_param("snapshotCopyConfigurationId")
    if identifier not in self.backend.copies:
        raise NotFound(f"snapshotCopyConfigurationId {identifier} was not found.")
    return self.backend.copies[identifier]


def update_snapshot_copy_configuration(self):
    held = copy_of(self)
    held["snapshotRetentionPeriod"] = self._get_param("snapshotRetentionPeriod") or held["snapshotRetentionPeriod"]
    return answer(self, {"snapshotCopyConfiguration": held})


def delete_snapshot_copy_configuration(self):
    held = copy_of(self)
    del self.backend.copies[held["snapshotCopyConfigurationId"]]
    return answer(self, {"snapshotCopyConfiguration": held})


def list_tags_for_resource(self):
    arn = self._get_param("resourceArn")
    if arn not in self.backend.tags:
        raise NotFound(f"{arn} was not found.")
    return answer(self, {"tags": self.backend.tags[arn]})


base_initialize = serverless.ServerlessBackend.__init__
base_create_namespace, base_create_workgroup = Response.create_namespace, Response.create_workgroup
serverless.ServerlessBackend.__init__ = initialize
serverless.now = clock.now
Response.page = page
for operation in (
    list_namespaces,
    get_namespace,
    create_namespace,
    create_workgroup,
    update_namespace,
    delete_namespace,
    update_workgroup,
    delete_workgroup,
    create_snapshot,
    delete_snapshot,
    list_snapshots,
    list_recovery_points,
    list_snapshot_copy_configurations,
    create_snapshot_copy_configuration,
    update_snapshot_copy_configuration,
    delete_snapshot_copy_configuration,
    list_tags_for_resource,
):
    setattr(Response, operation.__name__, operation)
