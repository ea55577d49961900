"""CloudFormation and Terraform say what deploy/iam says, statement by statement, with everything optional and with nothing."""

import json
import re
import unittest

import terraform
from support import BARE, IAM, PLACEHOLDER, VALUES, canonical, collector_stack, policy, stack

# Resource of the template, property, policy.
CLOUDFORMATION = [
    ("ExporterRole", "AssumeRolePolicyDocument", "trust-tasks.json"),
    ("MaintainerRole", "AssumeRolePolicyDocument", "trust-tasks.json"),
    ("ExecutionRole", "AssumeRolePolicyDocument", "trust-tasks.json"),
    ("SchedulerRole", "AssumeRolePolicyDocument", "trust-scheduler.json"),
    ("ReaderRole", "AssumeRolePolicyDocument", "trust-reader.json"),
    ("ExporterPolicy", "PolicyDocument", "exporter.json"),
    ("MaintainerPolicy", "PolicyDocument", "maintainer.json"),
    ("ReaderPolicy", "PolicyDocument", "reader.json"),
    ("ExecutionPolicy", "PolicyDocument", "execution.json"),
    ("SchedulerPolicy", "PolicyDocument", "scheduler.json"),
    ("Key", "KeyPolicy", "key-policy.json"),
    ("BucketPolicy", "PolicyDocument", "bucket-policy.json"),
    ("AlarmTopicPolicy", "PolicyDocument", "topic-policy.json"),
    ("RunLogPolicy", "PolicyDocument", "run-log-policy.json"),
]
# Resource of the module, attribute, policy.
TERRAFORM = [
    ("aws_iam_role.exporter", "assume_role_policy", "trust-tasks.json"),
    ("aws_iam_role.maintainer", "assume_role_policy", "trust-tasks.json"),
    ("aws_iam_role.execution", "assume_role_policy", "trust-tasks.json"),
    ("aws_iam_role.scheduler", "assume_role_policy", "trust-scheduler.json"),
    ("aws_iam_role.reader", "assume_role_policy", "trust-reader.json"),
    ("aws_iam_role_policy.exporter", "policy", "exporter.json"),
    ("aws_iam_role_policy.maintainer", "policy", "maintainer.json"),
    ("aws_iam_role_policy.reader", "policy", "reader.json"),
    ("aws_iam_role_policy.execution", "policy", "execution.json"),
    ("aws_iam_role_policy.scheduler", "policy", "scheduler.json"),
    ("aws_kms_key.lake", "policy", "key-policy.json"),
    ("aws_s3_bucket_policy.lake", "policy", "bucket-policy.json"),
    ("aws_sns_topic_policy.alarms", "policy", "topic-policy.json"),
    ("aws_cloudwatch_log_resource_policy.runs", "policy_document", "run-log-policy.json"),
]
TERRAFORM_COLLECTOR = [
    ("aws_iam_role.collector", "assume_role_policy", "trust-collector.json"),
    ("aws_iam_role_policy.collector", "policy", "collector.json"),
]
# Policies for those who run it elsewhere.
BY_HAND = {"trust-kubernetes.json", "trust-instances.json", "alerts.json"}
READER_ONLY = {"reader.json", "trust-reader.json"}


def variables(values):
    return {
        "name": values["Name"],
        "lake_bucket": values["LakeBucket"],
        "lake_prefix": values["LakePrefix"],
        "cluster_key_arns": values["KeyArns"][1:],
        "state_table": values["StateTable"],
        "parameter_prefix": values["ParameterPrefix"],
        "enabled_clusters": ["etl", "dashboards"],
        "secret_prefix": values["SecretPrefix"],
        "database_user": values["DatabaseUser"],
        "administrator_arns": values["AdministratorArns"],
        "reader_principal_arns": values["ReaderPrincipalArns"],
        "organization_id": values["OrganizationId"],
        "collector_role_arns": values["CollectorRoleArns"],
        "image_uri": "image:1",
        "image_repository": values["ImageRepository"],
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1"],
        "alarm_email": "somebody@example.com",
    }


def known(values):
    return {
        "data.aws_caller_identity.current.account_id": values["AccountId"],
        "data.aws_region.current.id": values["Region"],
        "aws_kms_key.lake.arn": values["KeyArn"],
    }


class OneTruth(unittest.TestCase):
    maxDiff = None

    def test_every_policy_is_used(self):
        files = {p.name for p in IAM.glob("*.json")}
        collector = {"collector.json", "trust-collector.json"}
        self.assertEqual({n for _, _, n in CLOUDFORMATION} | collector | BY_HAND, files)
        self.assertEqual({n for _, _, n in TERRAFORM + TERRAFORM_COLLECTOR} | BY_HAND, files)

    def test_cloudformation_says_the_same(self):
        for title, values in [("everything", VALUES), ("nothing optional", BARE)]:
            created = stack(values).resources()
            for resource, attribute, name in CLOUDFORMATION:
                with self.subTest(title, policy=name, resource=resource):
                    if name in READER_ONLY and not values["ReaderPrincipalArns"]:
                        self.assertNotIn(resource, created)
                        continue
                    document = created[resource]["Properties"][attribute]
                    document = json.loads(document) if isinstance(document, str) else document
                    self.assertEqual(canonical(document), canonical(policy(name, values)))

    def test_no_other_policy_is_in_the_templates(self):
        for template, listed in [(stack(), {(r, p) for r, p, _ in CLOUDFORMATION}), (collector_stack(), {("CollectorRole", "AssumeRolePolicyDocument")})]:
            for resource, created in template.resources().items():
                for attribute in created["Properties"]:
                    if attribute.endswith(("PolicyDocument", "KeyPolicy")):
                        self.assertIn((resource, attribute), listed)
                self.assertNotIn("ManagedPolicyArns", created["Properties"], resource)
                if resource != "CollectorRole":
                    self.assertNotIn("Policies", created["Properties"], resource)

    def test_the_collector_template_says_the_same(self):
        for values in (VALUES, BARE):
            (role,) = collector_stack(values).of_type("AWS::IAM::Role").values()
            self.assertEqual(canonical(role["AssumeRolePolicyDocument"]), canonical(policy("trust-collector.json", values)))
            (attached,) = role["Policies"]
            self.assertEqual(canonical(attached["PolicyDocument"]), canonical(policy("collector.json", values)))

    def test_terraform_reads_every_policy_from_the_files(self):
        for folder, listed in [(terraform.MODULE, TERRAFORM), (terraform.COLLECTOR, TERRAFORM_COLLECTOR)]:
            found = terraform.expressions(folder)
            self.assertEqual(set(found), {(r, a) for r, a, _ in listed})
            local = "\n".join(terraform.local_blocks(folder))
            for resource, attribute, name in listed:
                with self.subTest(resource=resource):
                    text = found[resource, attribute]
                    if "templatefile(" not in text:
                        # jsonencode over a local that was read from the file
                        used = set(re.findall(r"\blocal\.(\w+)\.Statement", text))
                        self.assertEqual(len(used), 1, text)
                        text = re.search(rf"^  {used.pop()} += (.*)$", local, re.M)[1]
                    self.assertIn(f'templatefile("${{local.iam}}/{name}", local.', text)
            given = set(re.findall(r"^    (\w+) +=", local, re.M))
            for placeholder in {p for _, _, n in listed for p in PLACEHOLDER.findall((IAM / n).read_text())}:
                self.assertIn(placeholder, given)

    def test_terraform_renders_the_same(self):
        if not terraform.TERRAFORM:
            print("terraform is not installed: policies were compared as they are written, not as they are rendered", flush=True)
            return
        for values in (VALUES, BARE):
            listed = [t for t in TERRAFORM if values["ReaderPrincipalArns"] or t[2] not in READER_ONLY]
            found = terraform.expressions(terraform.MODULE)
            rendered = terraform.render(terraform.MODULE, variables(values), known(values), [found[r, a] for r, a, _ in listed])
            for (resource, _, name), text in zip(listed, rendered, strict=True):
                with self.subTest(resource=resource):
                    self.assertEqual(canonical(json.loads(text)), canonical(policy(name, values)))
            given = {
                "exporter_role_arn": values["ExporterRoleArn"],
                "maintainer_role_arn": values["MaintainerRoleArn"],
                "external_id": values["ExternalId"],
                "organization_id": values["OrganizationId"],
            }
            found = terraform.expressions(terraform.COLLECTOR)
            rendered = terraform.render(terraform.COLLECTOR, given, known(values), [found[r, a] for r, a, _ in TERRAFORM_COLLECTOR])
            for (resource, _, name), text in zip(TERRAFORM_COLLECTOR, rendered, strict=True):
                with self.subTest(resource=resource):
                    self.assertEqual(canonical(json.loads(text)), canonical(policy(name, values)))

    def test_a_difference_would_be_noticed(self):
        wanted = canonical(policy("exporter.json"))
        for change in ("s3:DeleteObject", "kms:Encrypt"):
            document = policy("exporter.json")
            document["Statement"][0]["Action"].append(change)
            self.assertNotEqual(canonical(document), wanted)
        document = policy("exporter.json")
        del document["Statement"][1]["Condition"]
        self.assertNotEqual(canonical(document), wanted)


if __name__ == "__main__":
    unittest.main()
