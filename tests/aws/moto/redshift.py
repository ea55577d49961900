"""What moto's Redshift lacks: GetClusterCredentialsWithIAM, paging of DescribeClusters, the namespace ARN, and endpoints that exist.

Importing it changes moto. Shapes and limits are those of botocore's model of the service, test_fakes.py holds the answers against it.
"""

import base64
import uuid

from moto.core.responses import ActionResult
from moto.redshift import models
from moto.redshift.exceptions import InvalidParameterCombinationError, InvalidParameterValueError
from moto.redshift.responses import RedshiftResponse

from shared import DEFAULT_ACCOUNT, credentials, handed_out, password, take_endpoint

def get_cluster_credentials_with_iam(self):
    cluster = self.redshift_backend.describe_clusters(self._get_param("ClusterIdentifier"))[0]
    duration = self._get_int_param("DurationSeconds")
    if duration is not None and not 900 <= duration <= 3600:
        raise InvalidParameterValueError("Token duration must be between 900 and 3600 seconds")
    database = self._get_param("DbName")
    given = credentials(
        self, duration, operation="GetClusterCredentialsWithIAM", cluster=cluster.cluster_identifier, database=database
    )
    return ActionResult(
        {
            "DbUser": given["user"],
            "DbPassword": given["password"],
            "Expiration": given["expiration"],
            "NextRefreshTime": given["next_refresh_time"],
        }
    )


def get_cluster_credentials(self):
    answer = moto_get_cluster_credentials(self)
    answer.result["DbPassword"] = password()
    handed_out.append(
        {
            "operation": "GetClusterCredentials",
            "cluster": self._get_param("ClusterIdentifier"),
            "database": self._get_param("DbName"),
            "account": self.current_account,
            "region": self.region,
            "user": answer.result["DbUser"],
            "password": answer.result["DbPassword"],
            "duration": self._get_int_param("DurationSeconds", 900),
            "expiration": answer.result["Expiration"].isoformat(),
        }
    )
    return answer


def describe_clusters(self):
    identifier = self._get_param("ClusterIdentifier")
    marker = self._get_param("Marker")
    size = self._get_int_param("MaxRecords", 100)
    if identifier and marker:
        raise InvalidParameterCombinationError("ClusterIdentifier and Marker cannot be used together.")
    if not 20 <= size <= 100:
        raise InvalidParameterValueError("MaxRecords must be between 20 and 100.")
    clusters = self.redshift_backend.describe_clusters(identifier)
    keys, values = self._get_param("TagKeys", []), self._get_param("TagValues", [])
    if not identifier and (keys or values):
        clusters = [c for c in clusters if any(t["Key"] in keys or t["Value"] in values for t in c.tags)]
    # In the order of their names, so that a marker stands while clusters come and go.
    clusters.sort(key=lambda cluster: cluster.cluster_identifier)
    if marker:
        try:
            last = base64.urlsafe_b64decode(marker).decode()
        except ValueError:
            raise InvalidParameterValueError("The marker is not one that was returned.") from None
        clusters = [c for c in clusters if c.cluster_identifier > last]
    page = clusters[:size]
    answer = {"Clusters": page}
    if len(clusters) > size:
        answer["Marker"] = base64.urlsafe_b64encode(page[-1].cluster_identifier.encode()).decode()
    return ActionResult(answer)


def initialize(self, *args, **kwargs):
    """A cluster with a namespace, and with the endpoint that a test chose for it."""
    moto_initialize(self, *args, **kwargs)
    self.cluster_namespace_arn = f"arn:aws:redshift:{self.region}:{self.account_id}:namespace:{uuid.uuid4()}"
    self.chosen_endpoint, self.tags = take_endpoint(self.tags, "Key", "Value")


def find(request):
    backend = models.redshift_backends[request.get("account", DEFAULT_ACCOUNT)][request["region"]]
    return backend.clusters[request["cluster"]]


def set_endpoint(request):
    find(request).chosen_endpoint = {"Address": request["address"], "Port": int(request["port"])}


def set_status(request):
    find(request).status = request["status"]


moto_initialize = models.Cluster.__init__
moto_endpoint = models.Cluster.endpoint.fget
moto_get_cluster_credentials = RedshiftResponse.get_cluster_credentials

# moto finds operations by the names of methods, and the members of an answer by the names of attributes.
models.Cluster.__init__ = initialize
models.Cluster.endpoint = property(lambda self: self.chosen_endpoint or moto_endpoint(self))
models.Cluster.cluster_availability_status = property(
    lambda self: "Available" if self.status == "available" else "Unavailable"
)
for operation in (get_cluster_credentials_with_iam, get_cluster_credentials, describe_clusters):
    setattr(RedshiftResponse, operation.__name__, operation)
