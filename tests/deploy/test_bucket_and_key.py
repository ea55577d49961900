"""Bucket and key policy over sample requests: what is as it should be passes, each violation is refused by the statement meant for it."""

import unittest

from support import CLUSTER_KEY, KEY, VALUES, judge, policy

LAKE = "arn:aws:s3:::example-lake"
DATA = LAKE + "/logs/lake/stl_query/cluster_id=etl/log_date=2026-01-31/part-1.parquet"
COMMIT = LAKE + "/logs/lake/stl_query/_delta_log/00000000000000000007.json"
CHECKPOINT = LAKE + "/logs/lake/stl_query/_delta_log/00000000000000000020.checkpoint.parquet"
EXPORTER, MAINTAINER, READER = (VALUES[f"{r}RoleArn"] for r in ("Exporter", "Maintainer", "Reader"))
ADMINISTRATOR = VALUES["AdministratorArns"][0]
ROOT = "arn:aws:iam::111111111111:root"
SOMEBODY = "arn:aws:iam::111111111111:role/somebody"

SSE, SSE_KEY = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
GOOD = {
    "aws:SecureTransport": "true",
    "s3:TlsVersion": "1.3",
    SSE: "aws:kms",
    SSE_KEY: KEY,
    "s3:ObjectCreationOperation": "true",
}


def without(keys, *names):
    return {k: v for k, v in keys.items() if k not in names}


class Bucket(unittest.TestCase):
    def refused_by(self, action, resource, keys, caller=EXPORTER):
        effect, sids = judge(policy("bucket-policy.json"), action, resource, caller, keys)
        self.assertNotEqual(effect, "Allow", "a bucket policy of denials allows nothing")
        return sids

    def test_a_put_as_the_exporter_makes_it_passes(self):
        self.assertEqual(self.refused_by("s3:PutObject", DATA, GOOD), [])
        self.assertEqual(self.refused_by("s3:PutObject", DATA, {**GOOD, SSE_KEY: CLUSTER_KEY}), [])
        self.assertEqual(self.refused_by("s3:PutObject", DATA, {**GOOD, "s3:TlsVersion": "1.2"}), [])
        self.assertEqual(self.refused_by("s3:PutObject", COMMIT, {**GOOD, "s3:if-none-match": "*"}), [])
        self.assertEqual(self.refused_by("s3:PutObject", CHECKPOINT, GOOD), [])

    def test_reading_and_listing_pass(self):
        keys = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.2"}
        for action, resource in [("s3:GetObject", DATA), ("s3:ListBucket", LAKE), ("s3:AbortMultipartUpload", DATA)]:
            self.assertEqual(self.refused_by(action, resource, keys, READER), [])

    def test_a_put_without_encryption_headers_is_refused(self):
        self.assertEqual(self.refused_by("s3:PutObject", DATA, without(GOOD, SSE, SSE_KEY)), ["SseKmsOnly", "NamedKeysOnly"])
        self.assertEqual(self.refused_by("s3:PutObject", DATA, without(GOOD, SSE)), ["SseKmsOnly"])
        self.assertEqual(self.refused_by("s3:PutObject", DATA, without(GOOD, SSE_KEY)), ["NamedKeysOnly"])

    def test_a_put_with_another_encryption_is_refused(self):
        self.assertEqual(self.refused_by("s3:PutObject", DATA, {**without(GOOD, SSE_KEY), SSE: "AES256"}), ["SseKmsOnly", "NamedKeysOnly"])
        self.assertEqual(self.refused_by("s3:PutObject", DATA, {**GOOD, SSE: "aws:kms:dsse"}), ["SseKmsOnly"])

    def test_a_put_with_another_key_is_refused(self):
        for other in ("arn:aws:kms:eu-central-1:333333333333:key/33333333-cccc", KEY.split("/")[1], "alias/lookback", ""):
            self.assertEqual(self.refused_by("s3:PutObject", DATA, {**GOOD, SSE_KEY: other}), ["NamedKeysOnly"])

    def test_plaintext_and_old_tls_are_refused_for_everything(self):
        for action, resource in [("s3:PutObject", DATA), ("s3:GetObject", DATA), ("s3:ListBucket", LAKE), ("s3:GetBucketPolicy", LAKE)]:
            plain = {**without(GOOD, "s3:TlsVersion"), "aws:SecureTransport": "false"}
            self.assertEqual(self.refused_by(action, resource, plain), ["TlsOnly"])
            for version in ("1.0", "1.1"):
                self.assertEqual(self.refused_by(action, resource, {**GOOD, "s3:TlsVersion": version}), ["Tls12OrLater"])

    def test_a_commit_that_could_overwrite_is_refused(self):
        self.assertEqual(self.refused_by("s3:PutObject", COMMIT, GOOD), ["CommitsOnlyCreate"])
        # Parts of a multipart upload create no object, and carry no such header.
        self.assertEqual(self.refused_by("s3:PutObject", COMMIT, {**GOOD, "s3:ObjectCreationOperation": "false"}), [])

    def test_only_the_maintainer_deletes(self):
        keys = without(GOOD, SSE, SSE_KEY)
        self.assertEqual(self.refused_by("s3:DeleteObject", DATA, keys, MAINTAINER), [])
        for caller in (EXPORTER, READER, ADMINISTRATOR, SOMEBODY, "arn:aws:iam::333333333333:role/lookback-maintainer"):
            self.assertEqual(self.refused_by("s3:DeleteObject", DATA, keys, caller), ["OnlyTheMaintainerDeletes"])

    def test_only_administrators_delete_versions(self):
        keys = without(GOOD, SSE, SSE_KEY)
        self.assertEqual(self.refused_by("s3:DeleteObjectVersion", DATA, keys, ADMINISTRATOR), [])
        for caller in (EXPORTER, MAINTAINER, READER, SOMEBODY):
            self.assertEqual(self.refused_by("s3:DeleteObjectVersion", DATA, keys, caller), ["OnlyAdministratorsDeleteVersions"])


USE = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
ADMINISTER = [
    "kms:PutKeyPolicy", "kms:EnableKey", "kms:DisableKey", "kms:EnableKeyRotation", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion",
    "kms:RevokeGrant", "kms:CreateGrant", "kms:UpdateAlias", "kms:TagResource", "kms:RotateKeyOnDemand",
]


def via(service, **keys):
    return {"kms:CallerAccount": "111111111111", "kms:ViaService": f"{service}.eu-central-1.amazonaws.com", **keys}


S3 = via("s3", **{"kms:EncryptionContext:aws:s3:arn": LAKE})
SSM = via("ssm", **{"kms:EncryptionContext:PARAMETER_ARN": "arn:aws:ssm:eu-central-1:111111111111:parameter/redshift_query_logs.etl.password"})
DYNAMODB = via("dynamodb")
EVERY_WAY = [{"kms:CallerAccount": "111111111111"}, S3, SSM, DYNAMODB, via("secretsmanager"), via("ec2")]


class Key(unittest.TestCase):
    def effect(self, action, caller, keys=None):
        return judge(policy("key-policy.json"), action, KEY, caller, keys or {"kms:CallerAccount": "111111111111"})[0]

    def test_the_exporter_and_the_maintainer_write_through_s3_only(self):
        for caller in (EXPORTER, MAINTAINER):
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                self.assertEqual(self.effect(action, caller, S3), "Allow")
                self.assertEqual(self.effect(action, caller, {**S3, "kms:EncryptionContext:aws:s3:arn": DATA}), "Allow")
                self.assertIsNone(self.effect(action, caller))
                self.assertIsNone(self.effect(action, caller, via("ec2")))
                self.assertIsNone(self.effect(action, caller, {**S3, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::another"}))
                self.assertIsNone(self.effect(action, caller, without(S3, "kms:EncryptionContext:aws:s3:arn")))
            self.assertEqual(self.effect("kms:DescribeKey", caller), "Allow")
            self.assertIsNone(self.effect("kms:Encrypt", caller, S3))

    def test_the_reader_reads_through_s3_only(self):
        self.assertEqual(self.effect("kms:Decrypt", READER, S3), "Allow")
        self.assertIsNone(self.effect("kms:Decrypt", READER))
        self.assertIsNone(self.effect("kms:GenerateDataKey", READER, S3))

    def test_others_do_not_read_the_lake(self):
        for caller in (SOMEBODY, ROOT, "arn:aws:iam::333333333333:role/lookback-exporter"):
            for action in USE:
                self.assertNotEqual(self.effect(action, caller, S3), "Allow", caller)
                self.assertNotEqual(self.effect(action, caller), "Allow", caller)

    def test_nobody_both_administers_and_uses(self):
        for caller in (EXPORTER, MAINTAINER, READER, SOMEBODY):
            for action in ADMINISTER:
                for keys in EVERY_WAY + [{**DYNAMODB, "kms:GrantIsForAWSResource": "true"}]:
                    if (action, keys.get("kms:GrantIsForAWSResource")) != ("kms:CreateGrant", "true"):
                        self.assertIsNone(self.effect(action, caller, keys), f"{caller} {action} {keys}")
        # Creating the encrypted table is the one use that an administrator may make of it: through DynamoDB.
        for caller in (*VALUES["AdministratorArns"], ROOT):
            for action in USE:
                for keys in EVERY_WAY:
                    if keys is not DYNAMODB:
                        self.assertNotEqual(self.effect(action, caller, keys), "Allow", f"{caller} {action} {keys}")
            for keys in EVERY_WAY[:3]:
                self.assertEqual(self.effect("kms:Decrypt", caller, keys), "Deny")

    def test_no_statement_gives_a_principal_both(self):
        for statement in policy("key-policy.json")["Statement"]:
            if statement["Effect"] == "Allow":
                actions = set(statement["Action"])
                self.assertFalse(actions & set(USE) and actions & set(ADMINISTER), statement["Sid"])
                self.assertFalse(any("*" in a for a in actions), statement["Sid"])

    def test_administrators_administer(self):
        for caller in VALUES["AdministratorArns"]:
            for action in set(ADMINISTER) - {"kms:ScheduleKeyDeletion", "kms:CreateGrant"}:
                self.assertEqual(self.effect(action, caller), "Allow", action)
            self.assertIsNone(self.effect("kms:CreateGrant", caller))
            window = "kms:ScheduleKeyDeletionPendingWindowInDays"
            self.assertEqual(self.effect("kms:ScheduleKeyDeletion", caller, {window: "30"}), "Allow")
            self.assertIsNone(self.effect("kms:ScheduleKeyDeletion", caller, {window: "7"}))
            self.assertIsNone(self.effect("kms:ScheduleKeyDeletion", caller))

    def test_the_root_user_can_repair_the_policy_and_nothing_else(self):
        self.assertEqual(self.effect("kms:PutKeyPolicy", ROOT), "Allow")
        self.assertIsNone(self.effect("kms:PutKeyPolicy", SOMEBODY))
        self.assertIsNone(self.effect("kms:ScheduleKeyDeletion", ROOT, {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}))
        self.assertIsNone(self.effect("kms:DisableKey", ROOT))

    def test_services_use_it_for_what_is_theirs(self):
        self.assertEqual(self.effect("kms:Decrypt", EXPORTER, DYNAMODB), "Allow")
        self.assertEqual(self.effect("kms:Decrypt", EXPORTER, SSM), "Allow")
        self.assertEqual(self.effect("kms:Encrypt", SOMEBODY, SSM), "Allow", "who puts a password, if IAM lets them")
        foreign = {**SSM, "kms:EncryptionContext:PARAMETER_ARN": "arn:aws:ssm:eu-central-1:111111111111:parameter/others"}
        self.assertIsNone(self.effect("kms:Decrypt", EXPORTER, foreign))
        grant = {**DYNAMODB, "kms:GrantIsForAWSResource": "true"}
        self.assertEqual(self.effect("kms:CreateGrant", ADMINISTRATOR, grant), "Allow")
        self.assertIsNone(self.effect("kms:CreateGrant", ADMINISTRATOR, DYNAMODB))
        logs = "logs.eu-central-1.amazonaws.com"
        group = "arn:aws:logs:eu-central-1:111111111111:log-group:"
        for name, effect in [("/lookback/tasks", "Allow"), ("/aws/events/lookback/runs", "Allow"), ("/others", None)]:
            self.assertEqual(self.effect("kms:GenerateDataKey", logs, {"kms:EncryptionContext:aws:logs:arn": group + name}), effect)
        topic = "arn:aws:sns:eu-central-1:111111111111:"
        for service in ("cloudwatch.amazonaws.com", "events.amazonaws.com"):
            for name, effect in [("lookback-alarms", "Allow"), ("others", None)]:
                self.assertEqual(self.effect("kms:GenerateDataKey", service, {"kms:EncryptionContext:aws:sns:topicArn": topic + name}), effect)


if __name__ == "__main__":
    unittest.main()
