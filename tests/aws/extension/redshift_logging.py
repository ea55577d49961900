"""Audit logging of a cluster: moto says that logs were delivered and failed just now, whoever asks. Here they were when a test says so."""

from moto.redshift.responses import RedshiftResponse

import clock
from answers import answer

TIMES = ("LastSuccessfulDeliveryTime", "LastFailureTime")


def cluster_of(self):
    return self.redshift_backend.describe_clusters(self._get_param("ClusterIdentifier"))[0]


def patch(cluster, values):
    """Fields of DescribeLoggingStatus; null takes one away."""
    cluster.logging.update({name: clock.parse(v) if name in TIMES else v for name, v in values.items()})


def describe_logging_status(self):
    return answer(self, cluster_of(self).logging)


def enable_logging(self):
    cluster = cluster_of(self)
    kind = self._get_param("LogDestinationType") or "s3"
    cluster.logging = {
        **{name: cluster.logging.get(name) for name in (*TIMES, "LastFailureMessage")},
        "BucketName": self._get_param("BucketName"),
        "LogDestinationType": kind,
        "LogExports": self._get_param("LogExports") if kind == "cloudwatch" else None,
        "LoggingEnabled": True,
        "S3KeyPrefix": self._get_param("S3KeyPrefix"),
    }
    return answer(self, cluster.logging)


def disable_logging(self):
    cluster = cluster_of(self)
    cluster.logging = {"LoggingEnabled": False, **{name: cluster.logging.get(name) for name in TIMES}}
    return answer(self, cluster.logging)


for operation in (describe_logging_status, enable_logging, disable_logging):
    setattr(RedshiftResponse, operation.__name__, operation)
