"""Parameter groups whose values can be changed, and whether a cluster already goes by them: a new value is `pending-reboot` until then."""

from moto.redshift.exceptions import ClusterParameterGroupNotFoundError, InvalidParameterValueError
from moto.redshift.models import ParameterGroup
from moto.redshift.responses import RedshiftResponse

import redshift_events
from answers import answer
from redshift_lists import page_of, tagged

TYPES = {"max_concurrency_scaling_clusters": "integer", "statement_timeout": "integer", "extra_float_digits": "integer"}
BOOLEAN = ("auto_analyze", "enable_user_activity_logging", "require_ssl", "use_fips_ssl")


def group_of(backend, name):
    if name not in backend.parameter_groups:
        raise ClusterParameterGroupNotFoundError(name)
    return backend.parameter_groups[name]


def parameters(backend, group):
    """Every parameter of the group, the defaults and what was set over them."""
    found = []
    for name, default in {**backend.default_params, **group.values}.items():
        boolean = name in BOOLEAN
        found.append(
            {
                "AllowedValues": "true,false" if boolean else None,
                "ApplyType": "static",
                "DataType": "boolean" if boolean else TYPES.get(name, "string"),
                "Description": f"Value of {name}",
                "IsModifiable": True,
                "ParameterName": name,
                "ParameterValue": default,
                "Source": "user" if name in group.values else "engine-default",
            }
        )
    return found


def of_cluster(cluster):
    """The cluster's groups, with the state of every parameter."""
    answer = []
    for group in cluster.parameter_groups:
        names = {**cluster.redshift_backend.default_params, **group.values}
        state = lambda name: "pending-reboot" if name in cluster.pending_parameters else "in-sync"
        answer.append(
            {
                "ClusterParameterStatusList": [{"ParameterApplyStatus": state(name), "ParameterName": name} for name in names],
                "ParameterApplyStatus": "pending-reboot" if cluster.pending_parameters else "in-sync",
                "ParameterGroupName": group.name,
            }
        )
    return answer


def all_pending(cluster):
    """It has another group."""
    cluster.pending_parameters.update(cluster.redshift_backend.default_params)


def describe_cluster_parameters(self):
    backend = self.redshift_backend
    found = parameters(backend, group_of(backend, self._get_param("ParameterGroupName")))
    source = self._get_param("Source")
    found = [p for p in found if source is None or p["Source"] == source]
    page, following = page_of(self, found, lambda parameter: parameter["ParameterName"])
    return answer(self, {"Parameters": page, "Marker": following})


def describe_cluster_parameter_groups(self):
    groups = self.redshift_backend.describe_cluster_parameter_groups(self._get_param("ParameterGroupName"))
    groups = tagged(self, groups, lambda group: group.tags)
    page, following = page_of(self, groups, lambda group: group.name)
    shown = [
        {"Description": g.description, "ParameterGroupFamily": g.family, "ParameterGroupName": g.name, "Tags": g.tags} for g in page
    ]
    return answer(self, {"ParameterGroups": shown, "Marker": following})


def modify_cluster_parameter_group(self):
    backend = self.redshift_backend
    group = group_of(backend, self._get_param("ParameterGroupName"))
    if group.name.startswith("default."):
        raise InvalidParameterValueError("Default parameter groups cannot be modified.")
    known = {**backend.default_params, **group.values}
    changes = {p["ParameterName"]: p["ParameterValue"] for p in self._get_param("Parameters")}
    for name in changes:
        if name not in known:
            raise InvalidParameterValueError(f"Could not find parameter with name: {name}")
    changed = {name for name, value in changes.items() if known[name] != value}
    group.values.update(changes)
    for cluster in backend.clusters.values():
        if group.name in cluster.cluster_parameter_group_name:
            cluster.pending_parameters |= changed
    for name in sorted(changed):
        text = f": {name} set to {changes[name]}"
        redshift_events.emit(self, "cluster-parameter-group", group.name, "REDSHIFT-EVENT-1002", text)
    status = "Your parameter group has been updated but changes won't get applied until you reboot the associated clusters."
    return answer(self, {"ParameterGroupName": group.name, "ParameterGroupStatus": status})


def initialize(self, *args, **kwargs):
    base_initialize(self, *args, **kwargs)
    self.values = {}


base_initialize = ParameterGroup.__init__
ParameterGroup.__init__ = initialize
for operation in (describe_cluster_parameters, describe_cluster_parameter_groups, modify_cluster_parameter_group):
    setattr(RedshiftResponse, operation.__name__, operation)
