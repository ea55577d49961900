"""Snapshots with their key, their owner and who may restore them, and the choice of those whose cluster is gone."""

from moto.redshift import models
from moto.redshift.exceptions import (
    ClusterSnapshotAlreadyExistsError,
    ClusterSnapshotNotFoundError,
    InvalidParameterCombinationError,
)
from moto.redshift.responses import RedshiftResponse

import clock
import redshift_clusters
import redshift_events
from answers import answer, fail
from key_names import key_arn
from redshift_lists import page_of, tagged

ATTRIBUTES = {
    "ClusterIdentifier": "cluster_identifier",
    "Encrypted": "encrypted",
    "KmsKeyId": "kms_key_id",
    "SnapshotCreateTime": "create_time",
    "SnapshotType": "snapshot_type",
    "Status": "status",
    "Tags": "tags",
}
TIMES = ("SnapshotCreateTime", "ClusterCreateTime", "SnapshotRetentionStartTime")


def view(snapshot):
    """The snapshot as AWS describes it; what a test set goes before what is so."""
    manual = snapshot.snapshot_type == "manual"
    shown = {
        "AccountsWithRestoreAccess": [{"AccountId": account} for account in snapshot.restore_accounts],
        "AvailabilityZone": snapshot.availability_zone,
        "ClusterCreateTime": snapshot.cluster_create_time,
        "ClusterIdentifier": snapshot.cluster_identifier,
        "ClusterVersion": snapshot.cluster_version,
        "DBName": snapshot.db_name,
        "Encrypted": bool(snapshot.encrypted),
        "EncryptedWithHSM": snapshot.with_hsm,
        "EnhancedVpcRouting": bool(snapshot.enhanced_vpc_routing),
        "KmsKeyId": snapshot.kms_key_id if snapshot.encrypted else None,
        "MaintenanceTrackName": "current",
        "ManualSnapshotRetentionPeriod": snapshot.retention if manual else None,
        "ManualSnapshotRemainingDays": remaining_days(snapshot) if manual else None,
        "MasterUsername": snapshot.master_username,
        "NodeType": snapshot.node_type,
        "NumberOfNodes": snapshot.number_of_nodes,
        "OwnerAccount": snapshot.account_id,
        "Port": snapshot.port,
        "SnapshotArn": snapshot.arn,
        "SnapshotCreateTime": snapshot.create_time,
        "SnapshotIdentifier": snapshot.snapshot_identifier,
        "SnapshotRetentionStartTime": snapshot.create_time,
        "SnapshotType": snapshot.snapshot_type,
        "Status": snapshot.status,
        "Tags": snapshot.tags,
        "TotalBackupSizeInMegaBytes": 400.0,
    }
    return {**shown, **snapshot.shown}


def remaining_days(snapshot):
    if snapshot.retention == -1:
        return None
    return snapshot.retention - (clock.now() - clock.parse(snapshot.create_time)).days


def patch(snapshot, values):
    """Sets fields by AWS's names; null takes a field away, or the value that a test gave it."""
    for name, value in values.items():
        value = clock.parse(value) if name in TIMES else value
        if name == "AccountsWithRestoreAccess":
            snapshot.restore_accounts = [entry["AccountId"] for entry in value]
        elif name in ATTRIBUTES:
            setattr(snapshot, ATTRIBUTES[name], value)
        else:
            snapshot.shown[name] = value


def make(backend, name, values):
    """A snapshot out of nothing: of a cluster that is gone, or copied from another region."""
    now = clock.naive()
    cluster = models.Cluster(
        backend,
        values.get("ClusterIdentifier", "gone"),
        "ra3.large",
        "admin",
        "",
        "dev",
        "single-node",
        [],
        [],
        None,
        None,
        None,
        None,
        None,
        5439,
        None,
        True,
        1,
        False,
        False,
        backend.region_name,
    )
    cluster.create_time = now
    snapshot = models.Snapshot(cluster, name, backend.account_id, backend.region_name)
    backend.snapshots[name] = snapshot
    return snapshot


def initialize(self, cluster, *args, **kwargs):
    base_initialize(self, cluster, *args, **kwargs)
    self.shown = {}
    self.kms_key_id = cluster.kms_key_id
    self.with_hsm = cluster.hsm_status is not None
    self.restore_accounts = []
    self.retention = -1
    self.cluster_create_time = cluster.create_time
    # It outlives names: a cluster made again under the same one is another.
    self.cluster_namespace = cluster.cluster_namespace_arn


def create_in_backend(self, cluster_identifier, snapshot_identifier, *args, **kwargs):
    """An automated snapshot is named by the minute; a renamed cluster keeps its own, so the next one of that name needs another."""
    if kwargs.get("snapshot_type") == "automated":
        while snapshot_identifier in self.snapshots:
            snapshot_identifier += "-1"
    return base_create(self, cluster_identifier, snapshot_identifier, *args, **kwargs)


def create_cluster_snapshot(self):
    base_response_create(self)
    snapshot = self.redshift_backend.snapshots[self._get_param("SnapshotIdentifier")]
    snapshot.retention = self._get_int_param("ManualSnapshotRetentionPeriod", -1)
    redshift_events.emit(self, "cluster-snapshot", snapshot.snapshot_identifier, "REDSHIFT-EVENT-3004")
    return answer(self, {"Snapshot": {**view(snapshot), "Status": "creating"}})


def delete_cluster_snapshot(self):
    snapshot = find(self, self._get_param("SnapshotIdentifier"))
    base_response_delete(self)
    return answer(self, {"Snapshot": view(snapshot)})


def find(self, identifier, arn=None):
    backend = self.redshift_backend
    found = [s for s in backend.snapshots.values() if (s.arn == arn if arn else s.snapshot_identifier == identifier)]
    if not found:
        raise ClusterSnapshotNotFoundError(arn or identifier)
    return found[0]


def describe_cluster_snapshots(self):
    asked = self._get_param
    identifier, arn, cluster = asked("SnapshotIdentifier"), asked("SnapshotArn"), asked("ClusterIdentifier")
    exists, owner = self._get_bool_param("ClusterExists"), asked("OwnerAccount")
    if exists and not cluster:
        raise InvalidParameterCombinationError("ClusterExists=true needs a ClusterIdentifier.")
    if owner and owner != self.current_account:
        others = models.redshift_backends[owner][self.region].snapshots.values()
        found = [s for s in others if self.current_account in s.restore_accounts]
    elif identifier or arn:
        found = [find(self, identifier, arn)]
    else:
        found = list(self.redshift_backend.snapshots.values())
    if exists is not None:
        living = {c.cluster_namespace_arn for c in self.redshift_backend.clusters.values()}
        found = [s for s in found if (s.cluster_namespace in living) == exists]
    start, end = clock.parse(asked("StartTime")), clock.parse(asked("EndTime"))
    found = [
        s
        for s in found
        if (not cluster or s.cluster_identifier == cluster)
        and (not asked("SnapshotType") or s.snapshot_type == asked("SnapshotType"))
        and (not start or clock.parse(s.create_time) >= start)
        and (not end or clock.parse(s.create_time) <= end)
    ]
    found = tagged(self, found, lambda snapshot: snapshot.tags)
    page, following = page_of(self, found, lambda snapshot: snapshot.snapshot_identifier)
    return answer(self, {"Snapshots": [view(snapshot) for snapshot in page], "Marker": following})


def copy_cluster_snapshot(self):
    source = find(self, self._get_param("SourceSnapshotIdentifier"))
    name, snapshots = self._get_param("TargetSnapshotIdentifier"), self.redshift_backend.snapshots
    if name in snapshots:
        raise ClusterSnapshotAlreadyExistsError(name)
    copied = models.Snapshot.__new__(models.Snapshot)
    copied.__dict__ = {
        **source.__dict__,
        "snapshot_identifier": name,
        "snapshot_type": "manual",
        "create_time": clock.naive(),
        "restore_accounts": [],
        "retention": self._get_int_param("ManualSnapshotRetentionPeriod", -1),
        "tags": [],
        "shown": {},
    }
    snapshots[name] = copied
    return answer(self, {"Snapshot": view(copied)})


def authorize_snapshot_access(self):
    snapshot = find(self, self._get_param("SnapshotIdentifier"), self._get_param("SnapshotArn"))
    account = self._get_param("AccountWithRestoreAccess")
    if account in snapshot.restore_accounts:
        raise fail("AuthorizationAlreadyExists", f"{account} has access already.")
    snapshot.restore_accounts.append(account)
    return answer(self, {"Snapshot": view(snapshot)})


def revoke_snapshot_access(self):
    snapshot = find(self, self._get_param("SnapshotIdentifier"), self._get_param("SnapshotArn"))
    account = self._get_param("AccountWithRestoreAccess")
    if account not in snapshot.restore_accounts:
        raise fail("AuthorizationNotFound", f"{account} has no access.")
    snapshot.restore_accounts.remove(account)
    return answer(self, {"Snapshot": view(snapshot)})


def restore_from_cluster_snapshot(self):
    snapshot = find(self, self._get_param("SnapshotIdentifier"), self._get_param("SnapshotArn"))
    self.params["SnapshotIdentifier"] = snapshot.snapshot_identifier
    base_response_restore(self)
    cluster = self.redshift_backend.clusters[self._get_param("ClusterIdentifier")]
    key = self._get_param("KmsKeyId")
    encrypted = self._get_bool_param("Encrypted", bool(snapshot.encrypted or key))
    own = key or snapshot.kms_key_id
    redshift_clusters.set_encryption(cluster, encrypted, own)
    for made in self.redshift_backend.snapshots.values():
        if made.cluster_namespace == cluster.cluster_namespace_arn:
            made.encrypted, made.kms_key_id = cluster.encrypted, cluster.kms_key_id
    redshift_events.emit(self, "cluster", cluster.cluster_identifier, "REDSHIFT-EVENT-2008")
    redshift_events.emit(self, "cluster", cluster.cluster_identifier, "REDSHIFT-EVENT-3003")
    return answer(self, {"Cluster": redshift_clusters.view(cluster)})


def grant_view(grant):
    return {"KmsKeyId": grant.kms_key_id, "SnapshotCopyGrantName": grant.snapshot_copy_grant_name, "Tags": grant.tags}


def create_snapshot_copy_grant(self):
    base_response_grant(self)
    grant = self.redshift_backend.snapshot_copy_grants[self._get_param("SnapshotCopyGrantName")]
    grant.kms_key_id = key_arn(self.current_account, self.region, grant.kms_key_id)
    grant.tags = self._get_param("Tags") or []
    return answer(self, {"SnapshotCopyGrant": grant_view(grant)})


def describe_snapshot_copy_grants(self):
    name = self._get_param("SnapshotCopyGrantName")
    grants = self.redshift_backend.describe_snapshot_copy_grants(snapshot_copy_grant_name=name)
    grants = tagged(self, grants, lambda grant: grant.tags)
    page, following = page_of(self, grants, lambda grant: grant.snapshot_copy_grant_name)
    return answer(self, {"SnapshotCopyGrants": [grant_view(grant) for grant in page], "Marker": following})


base_initialize = models.Snapshot.__init__
base_create = models.RedshiftBackend.create_cluster_snapshot
base_response_create = RedshiftResponse.create_cluster_snapshot
base_response_delete = RedshiftResponse.delete_cluster_snapshot
base_response_restore = RedshiftResponse.restore_from_cluster_snapshot
base_response_grant = RedshiftResponse.create_snapshot_copy_grant
models.Snapshot.__init__ = initialize
models.RedshiftBackend.create_cluster_snapshot = create_in_backend
models.utcnow = clock.naive
models.datetime = clock.Datetime
for operation in (
    create_cluster_snapshot,
    delete_cluster_snapshot,
    describe_cluster_snapshots,
    copy_cluster_snapshot,
    authorize_snapshot_access,
    revoke_snapshot_access,
    restore_from_cluster_snapshot,
    create_snapshot_copy_grant,
    describe_snapshot_copy_grants,
):
    setattr(RedshiftResponse, operation.__name__, operation)
