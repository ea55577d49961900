"""What server.py adds to moto, held against botocore's model of AWS: python test_fakes.py

botocore reads answers leniently: what it does not know it drops, what is missing it leaves out. So the bytes are read here.
"""

import datetime
import json
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import parse_timestamp

REGION = "eu-central-1"
KEY = "AKIALOOKBACKTESTS001"
ACCOUNT = "123456789012"
DAY = datetime.timedelta(days=1)


def json_problems(shape, value, where):
    """How a value of a JSON answer differs from its shape."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{where} is {value!r}, not an object"]
        found = [f"{where} has {name}, which AWS does not have" for name in value if name not in shape.members]
        found += [f"{where} lacks {name}" for name in shape.required_members if name not in value]
        for name in value.keys() & shape.members.keys():
            found += json_problems(shape.members[name], value[name], f"{where}.{name}")
        return found
    if kind == "list":
        if not isinstance(value, list):
            return [f"{where} is {value!r}, not a list"]
        return [p for n, item in enumerate(value) for p in json_problems(shape.member, item, f"{where}[{n}]")]
    if kind == "timestamp" and shape.serialization.get("timestampFormat", "unixTimestamp") == "iso8601":
        return scalar_problems(shape, value, where) if isinstance(value, str) else [f"{where} is {value!r}, not text"]
    types = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": (int, float), "double": (int, float)}
    if not isinstance(value, types[kind]) or (kind != "boolean" and isinstance(value, bool)):
        return [f"{where} is {value!r}, not a {kind}"]
    return scalar_problems(shape, value, where)


def xml_problems(shape, element, where):
    """How an element of an XML answer differs from its shape."""
    if shape.type_name == "structure":
        tags = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        found = []
        for child in element:
            tag = child.tag.rsplit("}", 1)[-1]
            if tag in tags:
                found += xml_problems(tags[tag], child, f"{where}.{tag}")
            else:
                found.append(f"{where} has {tag}, which AWS does not have")
        present = {child.tag.rsplit("}", 1)[-1] for child in element}
        return found + [f"{where} lacks {name}" for name in shape.required_members if name not in present]
    if shape.type_name == "list":
        item = shape.member.serialization.get("name", "member")
        found = []
        for n, child in enumerate(element):
            if child.tag.rsplit("}", 1)[-1] != item:
                found.append(f"{where}[{n}] is named {child.tag}, not {item}")
            found += xml_problems(shape.member, child, f"{where}[{n}]")
        return found
    text = element.text or ""
    if shape.type_name == "boolean":
        return [] if text in ("true", "false") else [f"{where} is {text!r}, not a boolean"]
    if shape.type_name in ("integer", "long"):
        return [] if text.lstrip("-").isdigit() else [f"{where} is {text!r}, not a number"]
    return scalar_problems(shape, text, where)


def scalar_problems(shape, value, where):
    if shape.type_name == "timestamp":
        try:
            when = parse_timestamp(value)
        except ValueError:
            return [f"{where} is {value!r}, not a time"]
        # Seconds taken for milliseconds are still a time.
        return [] if abs(when - now()) < DAY else [f"{where} is {value!r}, which is not about now"]
    if getattr(shape, "enum", None) and value not in shape.enum:
        return [f"{where} is {value!r}, none of {shape.enum}"]
    return []


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Fakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server.py")
        cls.server = subprocess.Popen(
            [sys.executable, "-B", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        cls.endpoint = cls.server.stdout.readline().strip()

    @classmethod
    def tearDownClass(cls):
        cls.server.stdin.close()
        if cls.server.wait(10) != 0:
            raise AssertionError("the server does not end with its standard input")
        cls.server.stdout.close()

    def setUp(self):
        self.raw = {}
        self.post("/moto-api/reset", b"")
        self.known = len(self.all_handed_out())

    def client(self, service, **keys):
        keys = keys or {"aws_access_key_id": KEY, "aws_secret_access_key": "not-a-secret"}
        config = Config(retries={"max_attempts": 0})
        client = boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, config=config, **keys)
        # The bytes as they came, before botocore reads them.
        client.meta.events.register("before-parse", lambda response_dict, **_: self.raw.update(last=response_dict["body"]))
        return client

    def call(self, client, operation, **arguments):
        """Calls; the answer's bytes have to be what AWS's model says."""
        answer = getattr(client, operation)(**arguments)
        name = client.meta.method_to_api_mapping[operation]
        shape = client.meta.service_model.operation_model(name).output_shape
        if client.meta.service_model.protocol == "json":
            problems = json_problems(shape, json.loads(self.raw["last"]), name)
        else:
            root = ElementTree.fromstring(self.raw["last"])
            result = next(child for child in root if child.tag.endswith(f"}}{shape.serialization['resultWrapper']}"))
            problems = xml_problems(shape, result, name)
        self.assertEqual(problems, [])
        answer.pop("ResponseMetadata")
        return answer

    def refused(self, code, call, *arguments, **members):
        with self.assertRaises(ClientError) as caught:
            call(*arguments, **members)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception

    def make_cluster(self, redshift, name, **more):
        arguments = {"NodeType": "ra3.large", "MasterUsername": "admin", "MasterUserPassword": "Not-a-secret-1", **more}
        return self.call(redshift, "create_cluster", ClusterIdentifier=name, **arguments)["Cluster"]

    def post(self, path, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint + path, data, {"Content-Type": "text/plain"})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def handed_out(self):
        """By this test."""
        return self.all_handed_out()[self.known :]

    def all_handed_out(self):
        with urllib.request.urlopen(self.endpoint + "/lookback-test/credentials") as answer:
            return json.load(answer)

    def test_a_cluster_has_a_namespace_and_the_endpoint_of_its_tag(self):
        redshift = self.client("redshift")
        tags = [{"Key": "team", "Value": "data"}, {"Key": "lookback-test-endpoint", "Value": "127.0.0.1:5440"}]
        self.make_cluster(redshift, "one", Tags=tags)
        (cluster,) = self.call(redshift, "describe_clusters")["Clusters"]
        self.assertEqual(cluster["Endpoint"], {"Address": "127.0.0.1", "Port": 5440})
        self.assertEqual(cluster["Tags"], [{"Key": "team", "Value": "data"}])
        self.assertRegex(cluster["ClusterNamespaceArn"], f"^arn:aws:redshift:{REGION}:{ACCOUNT}:namespace:[0-9a-f-]{{36}}$")
        self.assertEqual(cluster["ClusterAvailabilityStatus"], "Available")

        self.post("/lookback-test/endpoint", {"region": REGION, "cluster": "one", "address": "127.0.0.2", "port": 1})
        self.post("/lookback-test/cluster", {"region": REGION, "cluster": "one", "status": "resizing"})
        (moved,) = self.call(redshift, "describe_clusters", ClusterIdentifier="one")["Clusters"]
        self.assertEqual(moved["Endpoint"], {"Address": "127.0.0.2", "Port": 1})
        self.assertEqual(moved["ClusterStatus"], "resizing")
        self.assertEqual(moved["ClusterNamespaceArn"], cluster["ClusterNamespaceArn"])

    def test_a_cluster_made_again_has_another_namespace(self):
        redshift = self.client("redshift")
        first = self.make_cluster(redshift, "one")["ClusterNamespaceArn"]
        redshift.delete_cluster(ClusterIdentifier="one", SkipFinalClusterSnapshot=True)
        self.assertNotEqual(self.make_cluster(redshift, "one")["ClusterNamespaceArn"], first)

    def test_clusters_come_in_pages(self):
        redshift = self.client("redshift")
        for n in range(45):
            self.make_cluster(redshift, f"c{n:02}")
        sizes, marker, names = [], {}, []
        while True:
            page = self.call(redshift, "describe_clusters", MaxRecords=20, **marker)
            sizes.append(len(page["Clusters"]))
            names += [cluster["ClusterIdentifier"] for cluster in page["Clusters"]]
            if "Marker" not in page:
                break
            marker = {"Marker": page["Marker"]}
            # A page of which the last one is gone by the time of the next.
            redshift.delete_cluster(ClusterIdentifier=names[-1], SkipFinalClusterSnapshot=True)
        self.assertEqual(sizes, [20, 20, 5])
        self.assertEqual(names, [f"c{n:02}" for n in range(45)])
        self.assertEqual(len(self.call(redshift, "describe_clusters")["Clusters"]), 43)
        for size in (19, 101):
            self.refused("InvalidParameterValue", redshift.describe_clusters, MaxRecords=size)
        self.refused("InvalidParameterValue", redshift.describe_clusters, Marker="\xff")
        self.refused("InvalidParameterCombination", redshift.describe_clusters, ClusterIdentifier="c00", Marker="YQ==")
        self.refused("ClusterNotFound", redshift.describe_clusters, ClusterIdentifier="other")

    def test_a_page_that_is_just_full_is_the_last(self):
        redshift = self.client("redshift")
        for n in range(20):
            self.make_cluster(redshift, f"c{n:02}")
        page = self.call(redshift, "describe_clusters", MaxRecords=20)
        self.assertEqual((len(page["Clusters"]), page.get("Marker")), (20, None))

    def test_clusters_are_found_by_tags_or_their_values(self):
        redshift = self.client("redshift")
        self.make_cluster(redshift, "a", Tags=[{"Key": "team", "Value": "data"}])
        self.make_cluster(redshift, "b", Tags=[{"Key": "stage", "Value": "production"}])
        self.make_cluster(redshift, "c")

        def names(**tags):
            return [c["ClusterIdentifier"] for c in self.call(redshift, "describe_clusters", **tags)["Clusters"]]

        self.assertEqual(names(TagKeys=["team"]), ["a"])
        self.assertEqual(names(TagValues=["production"]), ["b"])
        self.assertEqual(names(TagKeys=["team"], TagValues=["production"]), ["a", "b"])
        self.assertEqual(names(TagKeys=["other"]), [])

    def test_cluster_credentials_are_the_identity_s_and_remembered(self):
        redshift = self.client("redshift")
        self.make_cluster(redshift, "one")
        given = self.call(redshift, "get_cluster_credentials_with_iam", ClusterIdentifier="one", DbName="dev")
        self.assertEqual(given.keys(), {"DbUser", "DbPassword", "Expiration", "NextRefreshTime"})
        self.assertEqual(given["DbUser"], "IAM:moto")
        self.assertAlmostEqual((given["Expiration"] - now()).total_seconds(), 900, delta=30)
        self.assertLess(given["NextRefreshTime"], given["Expiration"])

        keys = self.client("sts").assume_role(
            RoleArn="arn:aws:iam::222222222222:role/lookback-collector", RoleSessionName="test"
        )["Credentials"]
        elsewhere = self.client(
            "redshift",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        self.refused("ClusterNotFound", elsewhere.get_cluster_credentials_with_iam, ClusterIdentifier="one")
        self.make_cluster(elsewhere, "two")
        other = self.call(
            elsewhere, "get_cluster_credentials_with_iam", ClusterIdentifier="two", DurationSeconds=3600
        )
        self.assertEqual(other["DbUser"], "IAMR:lookback-collector")
        self.assertAlmostEqual((other["Expiration"] - now()).total_seconds(), 3600, delta=30)

        by_name = self.call(redshift, "get_cluster_credentials", ClusterIdentifier="one", DbUser="logs", DbName="dev")
        self.assertEqual(by_name["DbUser"], "IAM:logs")
        for seconds in (899, 3601):
            self.refused(
                "InvalidParameterValue",
                redshift.get_cluster_credentials_with_iam,
                ClusterIdentifier="one",
                DurationSeconds=seconds,
            )

        seen = [(g["account"], g["region"], g["cluster"], g["user"], g["password"], g["duration"]) for g in self.handed_out()]
        expected = [
            (ACCOUNT, REGION, "one", given["DbUser"], given["DbPassword"], 900),
            ("222222222222", REGION, "two", other["DbUser"], other["DbPassword"], 3600),
            (ACCOUNT, REGION, "one", by_name["DbUser"], by_name["DbPassword"], 900),
        ]
        self.assertEqual(seen, expected)

    def test_serverless_namespaces_workgroups_and_credentials(self):
        serverless = self.client("redshift-serverless")
        self.refused("ResourceNotFoundException", serverless.get_workgroup, workgroupName="logs")
        self.refused(
            "ResourceNotFoundException", serverless.create_workgroup, workgroupName="logs", namespaceName="none"
        )
        made = self.call(
            serverless,
            "create_namespace",
            namespaceName="space",
            dbName="dev",
            kmsKeyId="arn:aws:kms:eu-central-1:123456789012:key/1",
            logExports=["useractivitylog"],
        )["namespace"]
        self.assertEqual(self.call(serverless, "get_namespace", namespaceName="space")["namespace"], made)
        self.refused("ConflictException", serverless.create_namespace, namespaceName="space")
        self.refused("ValidationException", serverless.create_namespace, namespaceName="Space!")

        workgroup = self.call(
            serverless,
            "create_workgroup",
            workgroupName="logs",
            namespaceName="space",
            baseCapacity=8,
            configParameters=[{"parameterKey": "require_ssl", "parameterValue": "true"}],
            tags=[{"key": "lookback-test-endpoint", "value": "127.0.0.1:5441"}],
        )["workgroup"]
        self.assertEqual(self.call(serverless, "get_workgroup", workgroupName="logs")["workgroup"], workgroup)
        self.assertEqual(workgroup["endpoint"], {"address": "127.0.0.1", "port": 5441, "vpcEndpoints": []})
        self.refused(
            "ConflictException", serverless.create_workgroup, workgroupName="logs", namespaceName="space"
        )
        self.post("/lookback-test/endpoint", {"region": REGION, "workgroup": "logs", "address": "127.0.0.2", "port": 2})
        moved = self.call(serverless, "get_workgroup", workgroupName="logs")["workgroup"]["endpoint"]
        self.assertEqual((moved["address"], moved["port"]), ("127.0.0.2", 2))

        given = self.call(serverless, "get_credentials", workgroupName="logs", dbName="dev", durationSeconds=1200)
        self.assertEqual(given["dbUser"], "IAM:moto")
        self.assertAlmostEqual((given["expiration"] - now()).total_seconds(), 1200, delta=30)
        self.refused("ResourceNotFoundException", serverless.get_credentials, workgroupName="other")
        self.refused("ValidationException", serverless.get_credentials, workgroupName="logs", durationSeconds=60)
        (seen,) = self.handed_out()
        self.assertEqual((seen["workgroup"], seen["user"], seen["password"]), ("logs", "IAM:moto", given["dbPassword"]))

    def test_serverless_lists_come_in_pages(self):
        serverless = self.client("redshift-serverless")
        serverless.create_namespace(namespaceName="space")
        for name in ("one", "two", "three"):
            serverless.create_workgroup(workgroupName=name, namespaceName="space")
        first = self.call(serverless, "list_workgroups", maxResults=2)
        second = self.call(serverless, "list_workgroups", maxResults=2, nextToken=first["nextToken"])
        names = [w["workgroupName"] for w in first["workgroups"] + second["workgroups"]]
        self.assertEqual((names, "nextToken" in second), (["one", "three", "two"], False))
        self.assertEqual(len(self.call(serverless, "list_namespaces")["namespaces"]), 1)

    def test_multipart_uploads_keep_the_bucket_key(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
        key = self.client("kms").create_key()["KeyMetadata"]["Arn"]
        plain = {"Bucket": "lake", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        for name, asked in (("with", {"BucketKeyEnabled": True}), ("without", {})):
            made = s3.create_multipart_upload(Key=name, **plain, **asked)
            place = {"Bucket": "lake", "Key": name, "UploadId": made["UploadId"]}
            part = s3.upload_part(**place, PartNumber=1, Body=b"rows")["ETag"]
            done = s3.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
            head = s3.head_object(Bucket="lake", Key=name)
            for answer in (made, done, head):
                self.assertEqual(answer.get("BucketKeyEnabled", False), bool(asked), name)
                self.assertEqual((answer["ServerSideEncryption"], answer["SSEKMSKeyId"]), ("aws:kms", key))

    def test_access_is_checked_for_these_operations_too_once_it_is_checked(self):
        iam = self.client("iam")
        iam.create_user(UserName="reader")
        allowed = ["redshift:DescribeClusters", "redshift-serverless:GetWorkgroup"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
        iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(policy))
        made = iam.create_access_key(UserName="reader")["AccessKey"]
        keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
        redshift, serverless = self.client("redshift", **keys), self.client("redshift-serverless", **keys)
        self.make_cluster(redshift, "one")
        self.assertEqual(
            self.call(redshift, "get_cluster_credentials_with_iam", ClusterIdentifier="one")["DbUser"], "IAM:reader"
        )
        self.post("/moto-api/reset-auth", b"0")
        self.assertEqual(len(redshift.describe_clusters()["Clusters"]), 1)
        self.refused("AccessDenied", redshift.get_cluster_credentials_with_iam, ClusterIdentifier="one")
        self.refused("ResourceNotFoundException", serverless.get_workgroup, workgroupName="logs")
        refused = self.refused("AccessDeniedException", serverless.get_credentials, workgroupName="logs")
        self.assertEqual(refused.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.post("/moto-api/reset-auth", b"inf")
        redshift.get_cluster_credentials_with_iam(ClusterIdentifier="one")

    def test_what_nobody_knows_is_an_error(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.post("/lookback-test/nothing", {})
        with caught.exception as answer:
            self.assertEqual(answer.code, 400)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.post("/lookback-test/cluster", {"region": REGION, "cluster": "none", "status": "paused"})
        with caught.exception as answer:
            self.assertIn(b"none", answer.read())


class Shapes(unittest.TestCase):
    """The judge itself: it has to find what is wrong."""

    def shape(self, service, operation):
        client = boto3.client(service, region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key="-")
        return client.meta.service_model.operation_model(operation).output_shape

    def test_differences_in_json_are_found(self):
        shape = self.shape("redshift-serverless", "GetWorkgroup")
        self.assertEqual(json_problems(shape, {}, "a"), ["a lacks workgroup"])
        wrong = {"workgroup": {"colour": "red", "status": "OPEN", "creationDate": 1.5, "port": "1", "endpoint": []}}
        self.assertEqual(len(json_problems(shape, wrong, "a")), 5)
        old = {"workgroup": {"creationDate": "2001-01-01T00:00:00Z", "publiclyAccessible": 1}}
        self.assertEqual(len(json_problems(shape, old, "a")), 2)

    def test_differences_in_xml_are_found(self):
        shape = self.shape("redshift", "DescribeClusters")
        text = "<r><Clusters><Cluster><Colour/><Encrypted>1</Encrypted><ClusterCreateTime>x</ClusterCreateTime></Cluster><member/></Clusters></r>"
        self.assertEqual(len(xml_problems(shape, ElementTree.fromstring(text), "a")), 4)


if __name__ == "__main__":
    unittest.main()
