"""What the tests of the stand-ins share: one server, clients whose every answer is judged as it arrives, and the routes for tests."""

import atexit
import functools
import json
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import judge

REGION, ELSEWHERE = "eu-central-1", "us-west-2"
ACCOUNT, OTHER_ACCOUNT = "123456789012", "222222222222"
KEYS = {"aws_access_key_id": "AKIALOOKBACKTESTS001", "aws_secret_access_key": "not-a-secret"}
NOW = "2026-06-01T12:00:00Z"

# Every (service, operation) that was answered well, and every one that was refused well.
judged, refused = set(), set()


@functools.cache
def endpoint():
    """Starts the server, which ends with this process."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lookback_moto.py")
    server = subprocess.Popen(
        [sys.executable, "-B", script, "-H", "127.0.0.1", "-p", "0", "--until-input-ends"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    address = server.stdout.readline().strip()
    server.stdout.close()

    def stop():
        server.stdin.close()
        server.wait(10)

    atexit.register(stop)
    return address


@functools.cache
def connect(service, region, keys):
    """A client whose every answer the test that runs looks at. Making one costs more than most tests."""
    config = Config(retries={"max_attempts": 0}, parameter_validation=False)
    client = boto3.client(service, endpoint_url=endpoint(), region_name=region, config=config, **dict(keys))
    judging = lambda operation_model, response_dict, **_: Stage.current.judge(client, operation_model.name, response_dict)
    client.meta.events.register("before-parse", judging)
    return client


class Stage(unittest.TestCase):
    """A test that starts from nothing, on the first of June."""

    maxDiff = None

    def setUp(self):
        self.problems = []
        self.control("reset")
        self.control("clock", now=NOW)
        self.control("settings", lookup_rate=None)

    def tearDown(self):
        self.assertEqual(self.problems, [])

    def client(self, service, region=REGION, **keys):
        Stage.current = self
        return connect(service, region, tuple((keys or KEYS).items()))

    def elsewhere(self, service, account=OTHER_ACCOUNT, region=REGION):
        """A client as a role of another account."""
        role = {"RoleArn": f"arn:aws:iam::{account}:role/lookback-collector", "RoleSessionName": "test"}
        keys = self.client("sts").assume_role(**role)["Credentials"]
        names = {"access_key_id": "AccessKeyId", "secret_access_key": "SecretAccessKey", "session_token": "SessionToken"}
        return self.client(service, region, **{f"aws_{name}": keys[member] for name, member in names.items()})

    def judge(self, client, operation, response):
        model, status, body = client.meta.service_model, response["status_code"], response["body"]
        name = (model.service_name, operation)
        if model.service_name in ("sts", "s3") or response["headers"].get("Content-Type") == "text/html":
            return
        if response["headers"].get("Content-Type") == "text/plain":
            raise AssertionError(f"{operation} broke the server: {body.decode()}")
        if status >= 400:
            found, done = judge.error_problems(model, operation, status, body), refused
        else:
            found, done = judge.problems(model, operation, body), judged
        self.problems += found
        if not found:
            done.add(name)

    def refuses(self, code, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response

    def control(self, what, **body):
        """A route for tests; without a body it is read."""
        reads = what == "calls" or (what in ("faults", "clock") and not body)
        data = None if reads else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{endpoint()}/lookback-control/{what}", data)) as answer:
            return json.load(answer)

    def set_state(self, kind, identifier, values=None, **more):
        self.control("state", kind=kind, id=identifier, **{"region": REGION, "set": values or {}, **more})

    def advance(self, **parts):
        units = {"minutes": 60, "hours": 3600, "days": 86400}
        self.control("clock", advance_s=sum(units[unit] * number for unit, number in parts.items()))

    def cluster(self, redshift, name="sales", **more):
        arguments = {"NodeType": "ra3.large", "MasterUsername": "admin", "MasterUserPassword": "Not-a-secret-1", **more}
        return redshift.create_cluster(ClusterIdentifier=name, **arguments)["Cluster"]

    def described(self, redshift, name="sales"):
        return redshift.describe_clusters(ClusterIdentifier=name)["Clusters"][0]

    def key(self, kms, **more):
        return kms.create_key(**more)["KeyMetadata"]

    def pages(self, call, members, token_in, token_out, **arguments):
        """The items of every page, and the sizes of the pages."""
        items, sizes, token = [], [], {}
        while True:
            page = call(**arguments, **token)
            items += page[members]
            sizes.append(len(page[members]))
            if token_out not in page:
                return items, sizes
            token = {token_in: page[token_out]}
