"""What the tests share: the files under deploy/, templates resolved as CloudFormation would, and requests judged as IAM would."""

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
IAM = DEPLOY / "iam"

# Values for the placeholders of deploy/iam/*.json. Those that end in Arns are lists.
KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-aaaa"
CLUSTER_KEY = "arn:aws:kms:eu-central-1:111111111111:key/22222222-bbbb"
VALUES = {
    "AccountId": "111111111111",
    "Region": "eu-central-1",
    "Name": "lookback",
    "LakeBucket": "example-lake",
    "LakePrefix": "logs/lake",
    "StateTable": "lookback-state",
    "ParameterPrefix": "redshift_query_logs",
    "SecretPrefix": "lookback/",
    "DatabaseUser": "lookback",
    "ImageRepository": "tools/lookback",
    "OrganizationId": "o-exampleorg1",
    "ExternalId": "0123456789abcdef",
    "OidcProvider": "oidc.eks.example.com/id/ABC",
    "Namespace": "lookback",
    "ServiceAccount": "lookback-exporter",
    "ExporterRoleArn": "arn:aws:iam::111111111111:role/lookback-exporter",
    "MaintainerRoleArn": "arn:aws:iam::111111111111:role/lookback-maintainer",
    "ReaderRoleArn": "arn:aws:iam::111111111111:role/lookback-reader",
    "ExecutionRoleArn": "arn:aws:iam::111111111111:role/lookback-execution",
    "KeyArn": KEY,
    "KeyArns": [KEY, CLUSTER_KEY],
    "AdministratorArns": ["arn:aws:iam::111111111111:role/deployer", "arn:aws:iam::111111111111:role/key-administrator"],
    "CollectorRoleArns": ["arn:aws:iam::*:role/lookback-collector", "arn:aws:iam::222222222222:role/other"],
    "ReaderPrincipalArns": ["arn:aws:iam::111111111111:role/analysts"],
    "AlertTopicArns": ["arn:aws:sns:eu-central-1:111111111111:lookback-alerts"],
    "AlertKeyArns": ["arn:aws:kms:eu-central-1:111111111111:key/44444444-cccc"],
}
# Nothing optional: no organisation, no readers, no keys but the one.
BARE = {**VALUES, "OrganizationId": "", "ReaderPrincipalArns": [], "KeyArns": [KEY], "CollectorRoleArns": VALUES["CollectorRoleArns"][:1]}

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def as_list(value):
    return value if isinstance(value, list) else [value]


def policy(name, values=VALUES):
    """A policy of deploy/iam with its placeholders filled in, and without what is optional and not there."""
    document = fill(json.loads((IAM / name).read_text()), values)
    statements = []
    for statement in document["Statement"]:
        if not values["OrganizationId"]:
            for operator, keys in list(statement.get("Condition", {}).items()):
                for key in [k for k in keys if k.endswith("OrgID")]:
                    del keys[key]
                if not keys:
                    del statement["Condition"][operator]
            if statement.get("Condition") == {}:
                del statement["Condition"]
        if name == "key-policy.json" and statement["Sid"] == "ReadLake" and not values["ReaderPrincipalArns"]:
            continue
        statements.append(statement)
    return {**document, "Statement": statements}


def fill(node, values):
    if isinstance(node, dict):
        return {fill(k, values): fill(v, values) for k, v in node.items()}
    if isinstance(node, list):
        filled = []
        for item in node:
            whole = PLACEHOLDER.fullmatch(item) if isinstance(item, str) else None
            if whole and isinstance(values[whole[1]], list):
                filled += values[whole[1]]
            else:
                filled.append(fill(item, values))
        return filled
    if isinstance(node, str):
        return PLACEHOLDER.sub(lambda m: values[m[1]], node)
    return node


def canonical(document):
    """The same for policies that say the same: statements by Sid, single values as lists, lists in order."""
    def value(node):
        if isinstance(node, dict):
            return {k: value(v) for k, v in node.items()}
        return sorted(str(v) for v in as_list(node))

    sids = [s["Sid"] for s in document["Statement"]]
    assert len(set(sids)) == len(sids), f"a Sid is there twice: {sids}"
    return {s["Sid"]: {k: value(v) for k, v in s.items()} for s in document["Statement"]}


# ---- CloudFormation ----

class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML with CloudFormation's tags, as {'Fn::Name': ...}."""


def construct(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", construct)

NOTHING = object()


@cache
def template_document(name):
    return yaml.load((DEPLOY / "cloudformation" / name).read_text(), Loader)


class Template:
    """A template with values for its parameters, and for the attributes of what it would create."""

    def __init__(self, name, parameters, attributes):
        self.document = template_document(name)
        defaults = {k: p.get("Default") for k, p in self.document["Parameters"].items()}
        unknown = set(parameters) - set(defaults)
        assert not unknown, f"{name} has no parameters {unknown}"
        self.parameters = {**defaults, **parameters}
        for key, declared in self.document["Parameters"].items():
            if declared["Type"] == "CommaDelimitedList" and isinstance(self.parameters[key], str):
                self.parameters[key] = self.parameters[key].split(",")
        self.attributes = {"AWS::AccountId": "111111111111", "AWS::Region": "eu-central-1", "AWS::NoValue": NOTHING, **attributes}

    def ref(self, name):
        if name in self.parameters:
            assert self.parameters[name] is not None, f"no value for {name}"
            return self.parameters[name]
        if name in self.attributes:
            return self.attributes[name]
        assert name in self.document["Resources"], f"nothing is named {name}"
        return f"<{name}>"

    def condition(self, name):
        return self.resolve(self.document["Conditions"][name])

    def resolve(self, node):
        if isinstance(node, list):
            return [v for v in map(self.resolve, node) if v is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), = node.items()
            if function == "Ref":
                return self.ref(argument)
            if function == "Fn::GetAtt":
                return self.ref(".".join(argument)) if ".".join(argument) in self.attributes else f"<{'.'.join(argument)}>"
            if function == "Fn::If":
                condition, then, otherwise = argument
                return self.resolve(then if self.condition(condition) else otherwise)
            if function == "Fn::Equals":
                return self.resolve(argument[0]) == self.resolve(argument[1])
            if function == "Fn::Not":
                return not self.resolve(argument[0])
            if function == "Fn::Join":
                return argument[0].join(self.resolve(argument[1]))
            if function == "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
            if function == "Fn::Sub":
                text, extra = argument if isinstance(argument, list) else (argument, {})
                extra = {k: self.resolve(v) for k, v in extra.items()}

                def value(match):
                    name = match[1]
                    found = extra[name] if name in extra else self.resolve({"Fn::GetAtt": name.split(".")} if "." in name else {"Ref": name})
                    return str(found)

                return re.sub(r"\$\{([\w:.]+)\}", value, text)
            assert not function.startswith("Fn::"), f"{function} is not known here"
        resolved = {k: self.resolve(v) for k, v in node.items()}
        return {k: v for k, v in resolved.items() if v is not NOTHING}

    def resources(self):
        """Resources that would be created, resolved."""
        return {
            name: {**resource, "Properties": self.resolve(resource.get("Properties", {}))}
            for name, resource in self.document["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }

    def of_type(self, kind):
        return {name: r["Properties"] for name, r in self.resources().items() if r["Type"] == kind}


def stack(values=VALUES, **more):
    """The lake's template."""
    names = ["Name", "LakeBucket", "LakePrefix", "StateTable", "ParameterPrefix", "SecretPrefix", "DatabaseUser", "ImageRepository",
             "OrganizationId", "AdministratorArns", "CollectorRoleArns", "ReaderPrincipalArns"]
    parameters = {n: values[n] for n in names}
    parameters |= {
        "ReaderPrincipalArns": values["ReaderPrincipalArns"] or [""],
        "ClusterKeyArns": values["KeyArns"][1:] or [""],
        "EnabledClusters": ["etl", "dashboards"],
        "ImageUri": "image:1",
        "VpcId": "vpc-1",
        "SubnetIds": ["subnet-1", "subnet-2"],
        "AlarmEmail": "somebody@example.com",
        **more,
    }
    attributes = {"Key.Arn": values["KeyArn"], "State": values["StateTable"]}
    attributes |= {f"{r}Role.Arn": values[f"{r}RoleArn"] for r in ("Exporter", "Maintainer", "Reader", "Execution")}
    return Template("lookback.yaml", parameters, attributes)


def collector_stack(values=VALUES):
    """The template of a source account."""
    names = ["ExporterRoleArn", "MaintainerRoleArn", "ExternalId", "OrganizationId", "DatabaseUser"]
    return Template("collector-role.yaml", {n: values[n] for n in names}, {})


# ---- IAM ----

def condition_holds(condition, context):
    """Whether a statement's condition is met. Keys are compared without case; what is not in `context` is not in the request."""
    context = {k.lower(): v for k, v in context.items()}
    return all(
        operator_holds(operator, context.get(key.lower()), [str(v) for v in as_list(wanted)])
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def operator_holds(operator, found, wanted):
    if operator == "Null":
        return (found is None) == (wanted == ["true"])
    if operator.endswith("IfExists"):
        if found is None:
            return True
        operator = operator.removesuffix("IfExists")
    negated = "Not" in operator
    # A negated operator is met by a request without the key, any other is not.
    if found is None:
        return negated
    plain = operator.replace("Not", "")
    if plain in ("StringEquals", "Bool"):
        met = str(found) in wanted
    elif plain in ("StringLike", "ArnLike", "ArnEquals"):
        met = any(like(str(found), w) for w in wanted)
    elif plain == "NumericLessThan":
        met = any(float(found) < float(w) for w in wanted)
    elif plain == "NumericGreaterThanEquals":
        met = any(float(found) >= float(w) for w in wanted)
    else:
        raise AssertionError(f"operator {operator} is not known here")
    return met != negated


def like(text, pattern):
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def principal_matches(principal, caller):
    """A root ARN stands for every principal of its account, whose own policies then decide."""
    if principal == "*":
        return True
    for kind, names in principal.items():
        for name in as_list(names):
            if kind == "AWS" and caller.startswith("arn:aws:"):
                account = caller.split(":")[4]
                if name == "*" or name == caller or name == f"arn:aws:iam::{account}:root":
                    return True
            if kind != "AWS" and name == caller:
                return True
    return False


def judge(document, action, resource, caller=None, keys=None):
    """("Deny" | "Allow" | None, the Sids that said so). `keys` has the condition keys of the request."""
    if caller and caller.startswith("arn:aws:"):
        keys = {"aws:PrincipalArn": caller, **(keys or {})}
    said = {"Deny": [], "Allow": []}
    for statement in document["Statement"]:
        if "Principal" in statement and not principal_matches(statement["Principal"], caller):
            continue
        if not any(like(action.lower(), a.lower()) for a in as_list(statement["Action"])):
            continue
        if "Resource" in statement and not any(like(resource, r) for r in as_list(statement["Resource"])):
            continue
        if condition_holds(statement.get("Condition", {}), keys or {}):
            said[statement["Effect"]].append(statement["Sid"])
    effect = "Deny" if said["Deny"] else "Allow" if said["Allow"] else None
    return effect, said[effect] if effect else []
