"""Events of Redshift by their ids: what they are about, category, severity, and what happened (in our words: AWS's change over the years)."""


def _entries(kind, category, severity, texts):
    return {f"REDSHIFT-EVENT-{number}": (kind, category, severity, text) for number, text in texts.items()}


CATALOGUE = {
    **_entries(
        "cluster",
        "management",
        "INFO",
        {
            2000: "Cluster created",
            2001: "Cluster deleted",
            2003: "Maintenance started",
            2004: "Maintenance ended",
            2006: "Resize started",
            2007: "Resize acknowledged",
            2008: "Restore started",
            2013: "Cluster renamed",
        },
    ),
    **_entries(
        "cluster",
        "monitoring",
        "INFO",
        {
            3000: "Cluster rebooted",
            3002: "Resize completed",
            3003: "Cluster restored",
            3007: "Cross-region snapshot copy completed",
            3618: "Cluster paused",
            3619: "Cluster resumed",
        },
    ),
    **_entries(
        "cluster",
        "monitoring",
        "ERROR",
        {
            3500: "Resize failed",
            3501: "Restore failed",
            3504: "The bucket of the audit log is not valid",
            3505: "No permission on the bucket of the audit log",
            3506: "The bucket of the audit log does not exist",
            3509: "Cross-region snapshot copy is not enabled",
            3519: "The cluster cannot be reached",
            3520: "The cluster's endpoint cannot be made",
            3684: "The key of the audit log's bucket cannot be used",
            3688: "Rotation of the encryption keys failed",
            4005: "The cluster has lost the permissions on its key",
        },
    ),
    **_entries("cluster", "monitoring", "INFO", {4006: "The cluster has the permissions on its key again"}),
    **_entries(
        "cluster",
        "security",
        "INFO",
        {
            4000: "Credentials updated",
            4001: "Security group modified",
            4503: "The secret of the admin user was made",
            4504: "The secret of the admin user was rotated",
        },
    ),
    **_entries(
        "cluster",
        "security",
        "ERROR",
        {
            4500: "A security group of the VPC is not valid",
            4501: "A security group of EC2 was not found",
            4505: "The key of the admin user's secret cannot be used",
            4506: "The secret of the admin user cannot be rotated",
        },
    ),
    **_entries("cluster", "configuration", "ERROR", {1504: "The HSM cannot be reached", 1505: "The HSM cannot be registered"}),
    **_entries(
        "cluster-parameter-group",
        "configuration",
        "INFO",
        {1000: "Parameter group created", 1001: "Parameter group deleted", 1002: "Parameter changed"},
    ),
    **_entries(
        "cluster-security-group",
        "security",
        "INFO",
        {4002: "Security group created", 4003: "Security group deleted", 4004: "Security group changed"},
    ),
    **_entries(
        "cluster-snapshot",
        "management",
        "INFO",
        {2009: "Snapshot started", 2010: "Snapshot cancelled", 2011: "Snapshot deleted", 2012: "Snapshot restored from"},
    ),
    **_entries("cluster-snapshot", "monitoring", "INFO", {3004: "Snapshot completed"}),
    **_entries("cluster-snapshot", "monitoring", "ERROR", {3503: "Snapshot failed"}),
}
