"""What the template and the module create beside policies: bucket, key, table, parameters, tasks, schedules, alarms."""

import json
import re
import unittest

import yaml

import terraform
from support import BARE, DEPLOY, VALUES, Loader, collector_stack, stack
from terraform import one


def single(template, kind):
    (found,) = template.of_type(kind).values()
    return found


class CloudFormation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = stack()

    def test_it_can_be_sent_in_one_piece(self):
        for path in (DEPLOY / "cloudformation").glob("*.yaml"):
            self.assertLess(len(path.read_bytes()), 51_200, "the longest template that is not read from a bucket")

    def test_roles_do_not_need_what_needs_them(self):
        # The key names the roles, policies name the key: a role that refers to the key would make a circle.
        text = (DEPLOY / "cloudformation/lookback.yaml").read_text()
        roles = yaml.load(text, Loader)["Resources"]
        for name, resource in roles.items():
            if resource["Type"] == "AWS::IAM::Role":
                self.assertNotIn("Key", json.dumps(resource), name)

    def test_the_bucket(self):
        bucket = single(self.stack, "AWS::S3::Bucket")
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        self.assertEqual(rule, {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": VALUES["KeyArn"]},
        })
        self.assertEqual(bucket["VersioningConfiguration"], {"Status": "Enabled"})
        self.assertEqual(bucket["PublicAccessBlockConfiguration"], dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True))
        self.assertEqual(bucket["OwnershipControls"], {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        rules = {r["Id"]: r for r in bucket["LifecycleConfiguration"]["Rules"]}
        self.assertEqual(rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"], {"DaysAfterInitiation": 2})
        self.assertEqual(rules["noncurrent-versions"]["NoncurrentVersionExpiration"], {"NoncurrentDays": 30})
        # Rows are kept until somebody decides otherwise.
        self.assertFalse([r for r in rules.values() if {"ExpirationInDays", "ExpirationDate", "Transitions"} & set(r)])
        self.assertNotIn("LoggingConfiguration", bucket)
        logged = single(stack(AccessLogBucket="logs"), "AWS::S3::Bucket")
        self.assertEqual(logged["LoggingConfiguration"], {"DestinationBucketName": "logs", "LogFilePrefix": "example-lake/"})

    def test_the_key(self):
        key = single(self.stack, "AWS::KMS::Key")
        self.assertIs(key["EnableKeyRotation"], True)
        self.assertEqual(key["PendingWindowInDays"], 30)
        self.assertEqual(single(self.stack, "AWS::KMS::Alias")["AliasName"], "alias/lookback")

    def test_the_state_table(self):
        table = single(self.stack, "AWS::DynamoDB::Table")
        keys = [(k["AttributeName"], k["KeyType"]) for k in table["KeySchema"]]
        self.assertEqual(keys, [("cluster_id", "HASH"), ("table_name", "RANGE")])
        self.assertEqual({a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}, {"cluster_id": "S", "table_name": "S"})
        self.assertEqual(table["BillingMode"], "PAY_PER_REQUEST")
        self.assertIs(table["DeletionProtectionEnabled"], True)
        self.assertEqual(table["PointInTimeRecoverySpecification"], {"PointInTimeRecoveryEnabled": True})
        self.assertEqual(table["SSESpecification"], {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": VALUES["KeyArn"]})

    def test_what_holds_data_outlives_the_stack(self):
        for name, resource in self.stack.resources().items():
            if resource["Type"] in ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"):
                self.assertEqual((resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")), ("Retain", "Retain"), name)

    def test_the_parameters_have_the_names_of_the_blog_post(self):
        parameters = {p["Name"]: (p["Type"], p["Value"]) for p in self.stack.of_type("AWS::SSM::Parameter").values()}
        self.assertEqual(parameters, {
            "redshift_query_logs.global.s3_prefix": ("String", "s3://example-lake/logs/lake"),
            "redshift_query_logs.global.enabled_cluster_list": ("StringList", "etl,dashboards"),
        })

    def test_outputs_say_how_secrets_are_put(self):
        outputs = {k: self.stack.resolve(v["Value"]) for k, v in self.stack.document["Outputs"].items()}
        for output, name, value in [("PutConnection", "connection", "HOST:5439/DATABASE"), ("PutUser", "user", "lookback"), ("PutPassword", "password", "file://password.txt")]:
            self.assertEqual(
                " ".join(outputs[output].split()),
                f"aws ssm put-parameter --region eu-central-1 --type SecureString --key-id {VALUES['KeyArn']} "
                f"--name redshift_query_logs.CLUSTER.{name} --value {value}",
            )

    def test_the_tasks(self):
        tasks = {t["Family"]: t for t in self.stack.of_type("AWS::ECS::TaskDefinition").values()}
        roles = {"lookback-export": "ExporterRoleArn", "lookback-maintain": "MaintainerRoleArn"}
        commands = {
            "lookback-export": ["export", "--once", "--log-format", "json"],
            "lookback-maintain": ["maintain", "--log-format", "json"],
        }
        self.assertEqual(set(tasks), set(roles))
        for family, task in tasks.items():
            self.assertEqual(task["TaskRoleArn"], VALUES[roles[family]])
            self.assertEqual(task["ExecutionRoleArn"], VALUES["ExecutionRoleArn"])
            (container,) = task["ContainerDefinitions"]
            self.assertEqual(container["Command"], commands[family])
            self.assertEqual(container["User"], "65532:65532")
            self.assertIs(container["ReadonlyRootFilesystem"], True)
            self.assertIs(container["Privileged"], False)
            self.assertEqual(container["LinuxParameters"]["Capabilities"], {"Drop": ["ALL"]})
            self.assertEqual({e["Name"]: e["Value"] for e in container["Environment"]}, {
                "LOOKBACK_AWS__REGION": "eu-central-1",
                "LOOKBACK_LAKE__LOCATION": "s3://example-lake/logs/lake",
                "LOOKBACK_LAKE__KMS_KEY": VALUES["KeyArn"],
                "LOOKBACK_STATE__DYNAMODB_TABLE": "lookback-state",
                "LOOKBACK_SSM__PREFIX": "redshift_query_logs",
            })
            self.assertNotIn("Secrets", container)
        (logs,) = [g for g in self.stack.of_type("AWS::Logs::LogGroup").values() if g["LogGroupName"] == "/lookback/tasks"]
        self.assertEqual((logs["KmsKeyId"], logs["RetentionInDays"]), (VALUES["KeyArn"], 365))

    def test_the_schedules(self):
        schedules = {s["Name"]: s for s in self.stack.of_type("AWS::Scheduler::Schedule").values()}
        self.assertEqual(schedules["lookback-export"]["ScheduleExpression"], "rate(15 minutes)")
        self.assertEqual(schedules["lookback-maintain"]["ScheduleExpression"], "cron(30 3 * * ? *)")
        tasks = {"lookback-export": "<ExportTask>", "lookback-maintain": "<MaintainTask>"}
        for name, schedule in schedules.items():
            parameters = schedule["Target"]["EcsParameters"]
            self.assertEqual(parameters["TaskDefinitionArn"], tasks[name])
            self.assertEqual(parameters["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"], "DISABLED")

    def test_nothing_comes_in(self):
        group = single(self.stack, "AWS::EC2::SecurityGroup")
        self.assertNotIn("SecurityGroupIngress", group)
        out = [(r["FromPort"], r["ToPort"], r["CidrIp"]) for r in group["SecurityGroupEgress"]]
        self.assertEqual(out, [(443, 443, "0.0.0.0/0"), (5439, 5439, "10.0.0.0/8")])

    def test_alarms_are_optional(self):
        kinds = ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::Events::Rule", "AWS::CloudWatch::Alarm", "AWS::Logs::ResourcePolicy")
        for kind in kinds:
            self.assertTrue(self.stack.of_type(kind), kind)
            self.assertFalse(stack(AlarmEmail="").of_type(kind), kind)
        topic = single(self.stack, "AWS::SNS::Topic")
        self.assertEqual(topic["KmsMasterKeyId"], VALUES["KeyArn"])
        rules = {r["Name"]: r["EventPattern"]["detail"] for r in self.stack.of_type("AWS::Events::Rule").values()}
        self.assertEqual(rules["lookback-failed-runs"]["containers"], {"exitCode": [{"anything-but": [0, 4]}]})
        self.assertEqual(rules["lookback-successful-exports"]["containers"], {"exitCode": [0]})
        self.assertIn("TaskFailedToStart", rules["lookback-never-started"]["stopCode"])
        self.assertEqual(single(self.stack, "AWS::CloudWatch::Alarm")["TreatMissingData"], "breaching")

    def test_everything_optional_can_be_left_out(self):
        created = stack(BARE, AlarmEmail="").resources()
        self.assertNotIn("ReaderRole", created)
        self.assertNotIn("o-", json.dumps(created["ExporterPolicy"]["Properties"]["PolicyDocument"]["Statement"][-4]))
        self.assertTrue(collector_stack(BARE).resources())

    def test_parameters_are_grouped_and_described(self):
        document = self.stack.document
        groups = document["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        self.assertEqual(sorted(p for g in groups for p in g["Parameters"]), sorted(document["Parameters"]))
        for name, parameter in document["Parameters"].items():
            self.assertTrue(parameter["Description"].endswith("."), name)


class Terraform(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.created = terraform.resources()

    def test_it_brings_no_provider_of_its_own(self):
        for folder in (terraform.MODULE, terraform.COLLECTOR):
            self.assertEqual(terraform.blocks(folder, "provider"), {}, folder)
            (versions,) = [p for p in folder.glob("*.tf") if "required_providers" in p.read_text()]
            self.assertEqual(versions.name, "versions.tf")

    def test_the_bucket(self):
        encryption = one(one(self.created["aws_s3_bucket_server_side_encryption_configuration.lake"]["rule"]))
        self.assertIs(one(encryption["bucket_key_enabled"]), True)
        default = one(encryption["apply_server_side_encryption_by_default"])
        self.assertEqual((one(default["sse_algorithm"]), one(default["kms_master_key_id"])), ("aws:kms", "${aws_kms_key.lake.arn}"))
        public = self.created["aws_s3_bucket_public_access_block.lake"]
        for name in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
            self.assertIs(one(public[name]), True)
        self.assertEqual(one(one(self.created["aws_s3_bucket_versioning.lake"]["versioning_configuration"])["status"]), "Enabled")
        self.assertEqual(one(one(self.created["aws_s3_bucket_ownership_controls.lake"]["rule"])["object_ownership"]), "BucketOwnerEnforced")
        rules = {one(r["id"]): r for r in self.created["aws_s3_bucket_lifecycle_configuration.lake"]["rule"]}
        self.assertEqual(one(one(rules["unfinished-uploads"]["abort_incomplete_multipart_upload"])["days_after_initiation"]), 2)
        self.assertIn("noncurrent_version_expiration", rules["noncurrent-versions"])
        for rule in rules.values():
            self.assertFalse({"transition", "noncurrent_version_transition"} & set(rule))

    def test_the_key(self):
        key = self.created["aws_kms_key.lake"]
        self.assertEqual((one(key["enable_key_rotation"]), one(key["deletion_window_in_days"])), (True, 30))

    def test_the_state_table(self):
        table = self.created["aws_dynamodb_table.state"]
        self.assertEqual((one(table["hash_key"]), one(table["range_key"])), ("cluster_id", "table_name"))
        self.assertEqual({one(a["name"]): one(a["type"]) for a in table["attribute"]}, {"cluster_id": "S", "table_name": "S"})
        self.assertEqual(one(table["billing_mode"]), "PAY_PER_REQUEST")
        self.assertIs(one(table["deletion_protection_enabled"]), True)
        self.assertIs(one(one(table["point_in_time_recovery"])["enabled"]), True)
        self.assertEqual(one(one(table["server_side_encryption"])["kms_key_arn"]), "${aws_kms_key.lake.arn}")

    def test_what_holds_data_is_not_destroyed(self):
        for name in ("aws_s3_bucket.lake", "aws_kms_key.lake", "aws_dynamodb_table.state"):
            self.assertIs(one(one(self.created[name]["lifecycle"])["prevent_destroy"]), True, name)

    def test_parameters_tasks_and_alarms_are_those_of_the_template(self):
        text = {p.name: p.read_text() for p in terraform.MODULE.glob("*.tf")}
        self.assertIn('"${var.parameter_prefix}.global.s3_prefix"', text["ssm.tf"])
        self.assertIn('"${var.parameter_prefix}.global.enabled_cluster_list"', text["ssm.tf"])
        kinds = {one(r["type"]) for n, r in self.created.items() if n.startswith("aws_ssm_parameter.")}
        self.assertEqual(kinds, {"String", "StringList"}, "a SecureString would be in the state file")
        created = stack()
        for task in created.of_type("AWS::ECS::TaskDefinition").values():
            (container,) = task["ContainerDefinitions"]
            command = "[" + ", ".join(f'"{c}"' for c in container["Command"]) + "]"
            self.assertIn(f"command = {command}", text["ecs.tf"])
            for variable in container["Environment"]:
                self.assertRegex(text["ecs.tf"], rf"\b{variable['Name']} +=")
        self.assertEqual(len(re.findall(r"\bLOOKBACK_\w+", text["ecs.tf"])), len(container["Environment"]))
        for wanted in ('user                   = "65532:65532"', "readonlyRootFilesystem = true", "privileged             = false", 'drop = ["ALL"]'):
            self.assertIn(wanted, text["ecs.tf"])
        self.assertIn("assign_public_ip = false", text["scheduler.tf"])
        self.assertNotIn("ingress", text["ecs.tf"])
        self.assertIn("anything-but = [0, 4]", text["alarms.tf"])
        self.assertRegex(text["alarms.tf"], r'treat_missing_data +=\s"breaching"')

    def test_parameters_and_variables_have_the_same_defaults(self):
        parameters = stack().document["Parameters"]
        variables = {n.replace("_", ""): v for n, v in terraform.blocks(terraform.MODULE, "variable").items()}
        self.assertEqual({n.lower() for n in parameters}, set(variables))
        for name, parameter in parameters.items():
            if "Default" not in parameter:
                self.assertNotIn("default", variables[name.lower()], name)
                continue
            found = variables[name.lower()]["default"]
            found = found[0] if isinstance(found, list) and len(found) == 1 else found
            wanted = parameter["Default"]
            if parameter["Type"] == "CommaDelimitedList":
                wanted = wanted.split(",") if wanted else []
            self.assertEqual(found if found != [[]] else [], wanted, name)

    def test_the_example_gives_what_is_asked_for(self):
        example = terraform.blocks(terraform.MODULE / "example", "module")
        for name, folder in [("lookback", terraform.MODULE), ("collector_of_sales", terraform.COLLECTOR)]:
            variables = terraform.blocks(folder, "variable")
            given = {n for n in example[name] if not n.startswith("__")} - {"source", "providers", "depends_on"}
            self.assertLessEqual(given, set(variables))
            self.assertLessEqual({n for n, v in variables.items() if "default" not in v}, given)
            outputs = terraform.blocks(terraform.MODULE, "output")
            for used in re.findall(r"module\.lookback\.(\w+)", (terraform.MODULE / "example/main.tf").read_text()):
                self.assertIn(used, outputs)

    def test_variables_are_described_and_used(self):
        for folder in (terraform.MODULE, terraform.COLLECTOR):
            text = "\n".join(p.read_text() for p in folder.glob("*.tf") if p.name != "variables.tf")
            for name, variable in terraform.blocks(folder, "variable").items():
                self.assertIn("description", variable, name)
                self.assertIn(f"var.{name}", text)


if __name__ == "__main__":
    unittest.main()
