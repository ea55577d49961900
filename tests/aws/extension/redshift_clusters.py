"""Clusters as DescribeClusters shows them, and what changes their encryption: moto knows neither the fields nor the states in between.

A change that takes its time (RotateEncryptionKey; encryption or its key by ModifyCluster) shows a status for as many DescribeClusters as
the settings `rotate_describes` and `modify_describes` say, then takes effect.
"""

import uuid

from moto.redshift.exceptions import ClusterAlreadyExistsFaultError, InvalidParameterCombinationError
from moto.redshift.models import Cluster
from moto.redshift.responses import RedshiftResponse

import clock
import redshift_events
import redshift_parameters
from answers import answer, fail
from key_names import key_arn
from places import settings
from redshift_lists import page_of, tagged

AVAILABILITY = {
    "available": "Available",
    "available, prep-for-resize": "Available",
    "available, resize-cleanup": "Available",
    "maintenance": "Maintenance",
    "modifying": "Modifying",
    "resizing": "Modifying",
    "rotating-keys": "Modifying",
    "updating-hsm": "Modifying",
    "hardware-failure": "Failed",
    "storage-full": "Failed",
}
# What a test sets by the name that AWS gives it, and moto works with by another.
ATTRIBUTES = {
    "ClusterStatus": "status",
    "ClusterCreateTime": "create_time",
    "ClusterNamespaceArn": "cluster_namespace_arn",
    "Encrypted": "encrypted",
    "KmsKeyId": "kms_key_id",
    "NodeType": "node_type",
    "MasterUsername": "master_username",
    "DBName": "db_name",
    "Tags": "tags",
    "PubliclyAccessible": "publicly_accessible",
    "ClusterSnapshotCopyStatus": "cluster_snapshot_copy_status",
}
TIMES = ("ClusterCreateTime", "CustomDomainCertificateExpiryDate", "NextMaintenanceWindowStartTime")


def view(cluster):
    """The cluster as AWS describes it; what a test set goes before what is so."""
    status = cluster.status
    shown = {
        "AllowVersionUpgrade": cluster.allow_version_upgrade,
        "AutomatedSnapshotRetentionPeriod": cluster.automated_snapshot_retention_period,
        "AvailabilityZone": cluster.availability_zone,
        "ClusterAvailabilityStatus": AVAILABILITY.get(status, "Unavailable"),
        "ClusterCreateTime": cluster.create_time,
        "ClusterIdentifier": cluster.cluster_identifier,
        "ClusterNamespaceArn": cluster.cluster_namespace_arn,
        "ClusterParameterGroups": redshift_parameters.of_cluster(cluster),
        "ClusterSecurityGroups": [
            {"ClusterSecurityGroupName": group["ClusterSecurityGroupName"], "Status": group["Status"]}
            for group in cluster.cluster_security_group_membership_list
        ],
        "ClusterSnapshotCopyStatus": cluster.cluster_snapshot_copy_status,
        "ClusterStatus": status,
        "ClusterSubnetGroupName": cluster.cluster_subnet_group_name,
        "ClusterVersion": cluster.cluster_version,
        "DBName": cluster.db_name,
        "Encrypted": bool(cluster.encrypted),
        "Endpoint": cluster.endpoint,
        "EnhancedVpcRouting": bool(cluster.enhanced_vpc_routing),
        "HsmStatus": cluster.hsm_status,
        "IamRoles": cluster.iam_roles,
        "KmsKeyId": cluster.kms_key_id if cluster.encrypted else None,
        "MaintenanceTrackName": "current",
        "ManualSnapshotRetentionPeriod": -1,
        "MasterPasswordSecretArn": cluster.secret_arn,
        "MasterPasswordSecretKmsKeyId": cluster.secret_key,
        "MasterUsername": cluster.master_username,
        "MultiAZ": "Enabled" if cluster.multi_az else "Disabled",
        "NodeType": cluster.node_type,
        "NumberOfNodes": cluster.number_of_nodes,
        "PendingModifiedValues": dict(cluster.change["pending"]) if cluster.change else {},
        "PreferredMaintenanceWindow": cluster.preferred_maintenance_window,
        "PubliclyAccessible": bool(cluster.publicly_accessible),
        "RestoreStatus": cluster.restore_status,
        "Tags": cluster.tags,
        "TotalStorageCapacityInMegaBytes": cluster.total_storage_capacity,
        "VpcSecurityGroups": cluster.vpc_security_group_membership_list,
    }
    return {**shown, **cluster.shown}


def patch(cluster, values):
    """Sets fields by AWS's names; null takes a field away, or the value that a test gave it."""
    for name, value in values.items():
        value = clock.parse(value) if name in TIMES else value
        if name in ATTRIBUTES:
            setattr(cluster, ATTRIBUTES[name], value)
        else:
            cluster.shown[name] = value
        if name == "ClusterStatus":
            finish(cluster, value)


def begin(cluster, status, describes, pending, effect):
    """A change that shows for a while; at once, if for no while at all."""
    cluster.change = {"left": describes, "pending": pending, "effect": effect}
    cluster.status = status
    if describes == 0:
        finish(cluster, "available")


def finish(cluster, status):
    if cluster.change and status == "available":
        effect, cluster.change = cluster.change["effect"], None
        effect(cluster)
    cluster.status = status


def looked_at(cluster):
    """A DescribeClusters that shows the cluster brings it nearer to the end of its change."""
    if cluster.change and cluster.change["left"] is not None:
        cluster.change["left"] -= 1
        if cluster.change["left"] < 0:
            finish(cluster, "available")
    return view(cluster)


def describe_clusters(self):
    identifier, marker = self._get_param("ClusterIdentifier"), self._get_param("Marker")
    if identifier and marker:
        raise InvalidParameterCombinationError("ClusterIdentifier and Marker cannot be used together.")
    clusters = self.redshift_backend.describe_clusters(identifier)
    if not identifier:
        clusters = tagged(self, clusters, lambda cluster: cluster.tags)
    page, following = page_of(self, clusters, lambda cluster: cluster.cluster_identifier)
    return answer(self, {"Clusters": [looked_at(cluster) for cluster in page], "Marker": following})


def initialize(self, *args, **kwargs):
    base_initialize(self, *args, **kwargs)
    self.change = None
    self.shown = {}
    self.hsm_status = self.secret_arn = self.secret_key = None
    self.multi_az = False
    self.pending_parameters = set()
    self.logging = {"LoggingEnabled": False}
    if self.encrypted:
        self.kms_key_id = key_arn(self.account_id, self.region, self.kms_key_id)


def create_cluster(self):
    base_create(self)
    cluster = self.redshift_backend.clusters[self._get_param("ClusterIdentifier")]
    encrypted = self._get_bool_param("Encrypted", True)
    # moto takes what is not said for false. AWS encrypts, and has refused `false` since 2025: a test may still make a cluster of before.
    set_encryption(cluster, encrypted, self._get_param("KmsKeyId"))
    set_hsm(self, cluster)
    set_secret(self, cluster)
    for snapshot in self.redshift_backend.snapshots.values():
        if snapshot.cluster_identifier == cluster.cluster_identifier and snapshot.snapshot_type == "automated":
            snapshot.encrypted, snapshot.kms_key_id = cluster.encrypted, cluster.kms_key_id
    redshift_events.emit(self, "cluster", cluster.cluster_identifier, "REDSHIFT-EVENT-2000")
    return answer(self, {"Cluster": view(cluster)})


def set_encryption(cluster, encrypted, key):
    cluster.encrypted = encrypted
    cluster.kms_key_id = key_arn(cluster.account_id, cluster.region, key) if encrypted else None


def set_hsm(self, cluster):
    certificate = self._get_param("HsmClientCertificateIdentifier")
    configuration = self._get_param("HsmConfigurationIdentifier")
    if certificate and configuration:
        cluster.hsm_status = {
            "HsmClientCertificateIdentifier": certificate,
            "HsmConfigurationIdentifier": configuration,
            "Status": "active",
        }
        cluster.kms_key_id = None


def set_secret(self, cluster):
    managed, key = self._get_bool_param("ManageMasterPassword"), self._get_param("MasterPasswordSecretKmsKeyId")
    if managed:
        name = f"redshift!{cluster.cluster_identifier}-{cluster.master_username}-{uuid.uuid4().hex[:6]}"
        cluster.secret_arn = f"arn:aws:secretsmanager:{cluster.region}:{cluster.account_id}:secret:{name}"
        cluster.secret_key = key_arn(cluster.account_id, cluster.region, key) if key else None
    elif managed is False:
        cluster.secret_arn = cluster.secret_key = None
    elif key and cluster.secret_arn:
        cluster.secret_key = key_arn(cluster.account_id, cluster.region, key)
    if self._get_bool_param("MultiAZ") is not None:
        cluster.multi_az = self._get_bool_param("MultiAZ")


def modify_cluster(self):
    backend = self.redshift_backend
    cluster = backend.describe_clusters(self._get_param("ClusterIdentifier"))[0]
    new_name = self.params.pop("NewClusterIdentifier", None)
    encrypted, key = self._get_bool_param("Encrypted"), self._get_param("KmsKeyId")
    self.params.pop("Encrypted", None)
    if new_name in backend.clusters:
        raise ClusterAlreadyExistsFaultError
    if key and not (cluster.encrypted or encrypted):
        raise InvalidParameterCombinationError("KmsKeyId is for an encrypted cluster; set Encrypted as well.")
    groups = cluster.cluster_parameter_group_name
    base_modify(self)
    if isinstance(cluster.cluster_parameter_group_name, str):
        # moto keeps the name where it reads a list.
        cluster.cluster_parameter_group_name = [cluster.cluster_parameter_group_name]
        if cluster.cluster_parameter_group_name != groups:
            redshift_parameters.all_pending(cluster)
    set_hsm(self, cluster)
    set_secret(self, cluster)
    wanted = cluster.encrypted if encrypted is None else encrypted
    if wanted != cluster.encrypted or (key and key_arn(cluster.account_id, cluster.region, key) != cluster.kms_key_id):
        pending = {"EncryptionType": "KMS" if wanted else "NONE"}
        effect = lambda changed: set_encryption(changed, wanted, key)
        begin(cluster, "resizing", settings["modify_describes"], pending, effect)
    if new_name:
        backend.clusters[new_name] = backend.clusters.pop(cluster.cluster_identifier)
        redshift_events.emit(self, "cluster", cluster.cluster_identifier, "REDSHIFT-EVENT-2013", f" to {new_name}")
        cluster.cluster_identifier = new_name
    return answer(self, {"Cluster": view(cluster)})


def delete_cluster(self):
    cluster = self.redshift_backend.clusters.get(self._get_param("ClusterIdentifier"))
    base_delete(self)
    cluster.status = "deleting"
    redshift_events.emit(self, "cluster", cluster.cluster_identifier, "REDSHIFT-EVENT-2001")
    return answer(self, {"Cluster": view(cluster)})


def rotate_encryption_key(self):
    cluster = self.redshift_backend.describe_clusters(self._get_param("ClusterIdentifier"))[0]
    if not cluster.encrypted:
        raise fail("InvalidClusterState", f"Cluster {cluster.cluster_identifier} is not encrypted.")
    if cluster.status != "available":
        raise fail("InvalidClusterState", f"Cluster {cluster.cluster_identifier} is {cluster.status}.")
    begin(cluster, "rotating-keys", settings["rotate_describes"], {}, lambda _: None)
    shown = view(cluster)
    # Also if it is over at once: that is what AWS answers.
    return answer(self, {"Cluster": {**shown, "ClusterStatus": "rotating-keys", "ClusterAvailabilityStatus": "Modifying"}})


def reboot_cluster(self):
    cluster = self.redshift_backend.describe_clusters(self._get_param("ClusterIdentifier"))[0]
    cluster.pending_parameters.clear()
    redshift_events.emit(self, "cluster", cluster.cluster_identifier, "REDSHIFT-EVENT-3000")
    return answer(self, {"Cluster": {**view(cluster), "ClusterStatus": "rebooting"}})


def same_cluster(name):
    """moto's own operation, whose answer has every field."""
    base = getattr(RedshiftResponse, name)

    def operation(self):
        base(self)
        return answer(self, {"Cluster": view(self.redshift_backend.clusters[self._get_param("ClusterIdentifier")])})

    operation.__name__ = name
    return operation


def modify_snapshot_copy_retention_period(self):
    base_retention(self)
    return answer(self, {"Cluster": view(self.redshift_backend.clusters[self._get_param("ClusterIdentifier")])})


base_initialize, base_retention = Cluster.__init__, RedshiftResponse.modify_snapshot_copy_retention_period
base_create, base_modify, base_delete = (
    getattr(RedshiftResponse, name) for name in ("create_cluster", "modify_cluster", "delete_cluster")
)
Cluster.__init__ = initialize
for operation in (
    describe_clusters,
    create_cluster,
    modify_cluster,
    delete_cluster,
    rotate_encryption_key,
    reboot_cluster,
    modify_snapshot_copy_retention_period,
    *(same_cluster(n) for n in ("pause_cluster", "resume_cluster", "enable_snapshot_copy", "disable_snapshot_copy")),
):
    setattr(RedshiftResponse, operation.__name__, operation)
