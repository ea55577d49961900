"""CloudTrail and AWS Config: what is found, how it comes in pages, and whether our records look like AWS's."""

import json
import pathlib
import time

from stage import ACCOUNT, ELSEWHERE, KEYS, OTHER_ACCOUNT, REGION, Stage

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"


def by(key, value):
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def record(name, when="2026-06-01T11:00:00Z", **more):
    return {
        "eventVersion": "1.11",
        "eventSource": "redshift.amazonaws.com",
        "eventName": name,
        "eventTime": when,
        "readOnly": False,
        **more,
    }


class Trail(Stage):
    def records(self, **place):
        return self.control("cloudtrail-shown", **{"region": REGION, **place})["records"]

    def test_calls_that_change_leave_events_newest_first(self):
        redshift, kms, trail = self.client("redshift"), self.client("kms"), self.client("cloudtrail")
        arn = self.key(kms)["Arn"]
        self.advance(minutes=1)
        self.cluster(redshift, KmsKeyId=arn)
        redshift.describe_clusters()
        kms.describe_key(KeyId=arn)
        found = trail.lookup_events()["Events"]
        self.assertEqual([e["EventName"] for e in found], ["CreateCluster", "CreateKey"])
        self.assertEqual(
            (found[0]["Username"], found[0]["ReadOnly"], found[0]["AccessKeyId"]), ("moto", "false", KEYS["aws_access_key_id"])
        )
        written = json.loads(found[0]["CloudTrailEvent"])
        self.assertEqual(written["requestParameters"]["masterUserPassword"], "****")
        self.assertEqual(written["requestParameters"]["kmsKeyId"], arn)
        self.assertEqual(written["eventID"], found[0]["EventId"])
        role = self.elsewhere("redshift")
        self.cluster(role)
        who = self.records(account=OTHER_ACCOUNT)[0]["userIdentity"]
        self.assertEqual((who["type"], who["sessionContext"]["sessionIssuer"]["userName"]), ("AssumedRole", "lookback-collector"))
        (theirs,) = self.elsewhere("cloudtrail").lookup_events()["Events"]
        self.assertEqual(theirs["Username"], "test")
        self.assertEqual(self.client("cloudtrail", ELSEWHERE).lookup_events()["Events"], [])

    def test_each_attribute_finds_and_only_one_may_be_asked_for(self):
        redshift, kms, trail = self.client("redshift"), self.client("kms"), self.client("cloudtrail")
        arn = self.key(kms)["Arn"]
        self.cluster(redshift, "sales", KmsKeyId=arn)
        kms.generate_data_key(KeyId=arn, KeySpec="AES_256", EncryptionContext={"aws:redshift:arn": "arn:aws:redshift:x"})
        names = lambda **a: [e["EventName"] for e in trail.lookup_events(**a)["Events"]]
        self.assertEqual(names(**by("EventName", "CreateCluster")), ["CreateCluster"])
        self.assertEqual(names(**by("EventSource", "kms.amazonaws.com")), ["GenerateDataKey", "CreateKey"])
        self.assertEqual(names(**by("ReadOnly", "true")), ["GenerateDataKey"])
        self.assertEqual(names(**by("ResourceName", "sales")), ["CreateCluster"])
        self.assertEqual(names(**by("ResourceName", arn)), ["GenerateDataKey", "CreateKey"])
        self.assertEqual(names(**by("ResourceType", "AWS::Redshift::Cluster")), ["CreateCluster"])
        self.assertEqual(len(names(**by("Username", "moto"))), 3)
        self.assertEqual(len(names(**by("AccessKeyId", KEYS["aws_access_key_id"]))), 3)
        context = self.records()[-1]["requestParameters"]["encryptionContext"]
        self.assertEqual(context, {"aws:redshift:arn": "arn:aws:redshift:x"})
        usage = kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"]["CloudTrailEventId"]
        self.assertEqual(names(**by("EventId", usage)), ["GenerateDataKey"])
        two = by("EventName", "a")["LookupAttributes"] * 2
        self.refuses("InvalidLookupAttributesException", trail.lookup_events, LookupAttributes=two)
        self.refuses("InvalidMaxResultsException", trail.lookup_events, MaxResults=51)
        self.refuses(
            "InvalidTimeRangeException", trail.lookup_events, StartTime="2026-02-01T00:00:00Z", EndTime="2026-01-01T00:00:00Z"
        )

    def test_pages_belong_to_their_parameters(self):
        trail = self.client("cloudtrail")
        events = [{"record": record("ModifyCluster", f"2026-06-01T11:{n % 60:02}:00Z")} for n in range(120)]
        self.control("cloudtrail", region=REGION, events=events)
        asked = by("EventName", "ModifyCluster")
        found, sizes = self.pages(trail.lookup_events, "Events", "NextToken", "NextToken", **asked)
        times = [e["EventTime"] for e in found]
        self.assertEqual((sizes, times, len({e["EventId"] for e in found})), ([50, 50, 20], sorted(times, reverse=True), 120))
        token = trail.lookup_events(MaxResults=5, **asked)["NextToken"]
        self.refuses("InvalidNextTokenException", trail.lookup_events, MaxResults=6, NextToken=token, **asked)
        self.refuses("InvalidNextTokenException", trail.lookup_events, NextToken="nothing")
        trail.lookup_events(MaxResults=5, NextToken=token, **asked)

    def test_events_are_late_and_double_and_gone_after_ninety_days(self):
        trail = self.client("cloudtrail")
        late = {"record": record("PauseCluster"), "visible_from": "2026-06-01T12:15:00Z"}
        double = {"record": record("ResumeCluster", requestParameters={"clusterIdentifier": "sales"}), "copies": 2}
        self.control("cloudtrail", region=REGION, events=[late, double])
        ids = lambda: [(e["EventName"], e["EventId"]) for e in trail.lookup_events()["Events"]]
        self.assertEqual([name for name, _ in ids()], ["ResumeCluster"] * 2)
        self.assertEqual(len(set(ids())), 1)
        self.advance(minutes=20)
        self.assertEqual(len(ids()), 3)
        self.advance(days=90)
        self.assertEqual(ids(), [])
        self.assertEqual(len(self.records()), 3)

    def test_two_calls_a_second(self):
        trail, far = self.client("cloudtrail"), self.client("cloudtrail", ELSEWHERE)
        self.control("settings", lookup_rate=2.0)
        trail.lookup_events()
        trail.lookup_events()
        self.refuses("ThrottlingException", trail.lookup_events)
        far.lookup_events()
        time.sleep(0.6)
        trail.lookup_events()
        here, _ = sorted((c for c in self.control("calls")["calls"] if c["operation"] == "LookupEvents"), key=lambda c: -c["count"])
        self.assertEqual((here["count"], here["throttled"]), (4, 1))

    def test_records_have_the_fields_of_aws_s(self):
        redshift, kms = self.client("redshift"), self.client("kms")
        arn = self.key(kms)["Arn"]
        self.cluster(redshift, "sales", KmsKeyId=arn)
        redshift.modify_cluster(ClusterIdentifier="sales", MasterUserPassword="Not-a-secret-2")
        self.set_state("cluster", "sales", {"ClusterStatus": "resizing"})
        self.refuses("InvalidClusterState", redshift.rotate_encryption_key, ClusterIdentifier="sales")
        kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=90)
        kms.create_alias(AliasName="alias/warehouse", TargetKeyId=arn)
        self.advance(days=91)
        kms.disable_key(KeyId=arn)
        self.refuses("DisabledException", kms.generate_data_key, KeyId=arn, KeySpec="AES_256")
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=20)
        self.advance(days=21)
        ours = {r["eventName"]: r for r in self.records()}
        compared = 0
        for path in sorted(GOLDEN.glob("*.json")):
            golden = json.loads(path.read_text())
            with self.subTest(path.stem):
                own = ours[golden["eventName"]]
                self.assertEqual(set(own), set(golden))
                self.assertEqual(
                    {k: type(v).__name__ for k, v in own.items() if k not in ("requestParameters", "responseElements")},
                    {k: type(v).__name__ for k, v in golden.items() if k not in ("requestParameters", "responseElements")},
                )
                self.assertEqual(own["responseElements"] is None, golden["responseElements"] is None)
                self.assertEqual(set(own.get("serviceEventDetails", {})), set(golden.get("serviceEventDetails", {})))
                self.assertEqual([set(r) for r in own.get("resources", [])], [set(r) for r in golden.get("resources", [])])
                if golden["responseElements"]:
                    self.assertLessEqual(set(golden["responseElements"]), set(own["responseElements"]))
                self.assertEqual(own["readOnly"], golden["readOnly"])
                compared += 1
        self.assertGreaterEqual(compared, 8)
        self.assertEqual(ours["RotateEncryptionKey"]["errorCode"], "InvalidClusterState")
        self.assertRegex(ours["ScheduleKeyDeletion"]["responseElements"]["deletionDate"], r"^[A-Z][a-z]{2} \d\d, \d{4} ")

    def test_serverless_is_recorded_too(self):
        serverless = self.client("redshift-serverless")
        serverless.create_namespace(namespaceName="space", adminUserPassword="Not-a-secret-1")
        (made,) = self.records()
        self.assertEqual(
            (made["eventSource"], made["requestParameters"]),
            ("redshift-serverless.amazonaws.com", {"namespaceName": "space", "adminUserPassword": "****"}),
        )


class History(Stage):
    def item(self, when, **more):
        base = {
            "resourceType": "AWS::Redshift::Cluster",
            "resourceId": "sales",
            "resourceName": "sales",
            "configurationItemCaptureTime": when,
        }
        return {**base, "arn": f"arn:aws:redshift:{REGION}:{ACCOUNT}:cluster:sales", "configuration": {"encrypted": False}, **more}

    def test_items_come_by_time_and_in_pages(self):
        config = self.client("config")
        asked = {"resourceType": "AWS::Redshift::Cluster", "resourceId": "sales"}
        self.refuses("ResourceNotDiscoveredException", config.get_resource_config_history, **asked)
        items = [self.item(f"2025-{n:02}-01T00:00:00Z") for n in range(1, 13)]
        key = {"resourceType": "AWS::KMS::Key", "resourceId": "k", "tags": {"a": "b"}, "configurationItemStatus": "ResourceDeleted"}
        self.control("config", region=REGION, items=[*items, {**key, "resourceCreationTime": 1700000000}])
        found, sizes = self.pages(config.get_resource_config_history, "configurationItems", "nextToken", "nextToken", **asked)
        months = [i["configurationItemCaptureTime"].month for i in found]
        self.assertEqual((months, sizes), (list(range(12, 0, -1)), [10, 2]))
        self.assertEqual(json.loads(found[0]["configuration"]), {"encrypted": False})
        forward = config.get_resource_config_history(
            **asked, chronologicalOrder="Forward", limit=3, earlierTime="2025-03-01T00:00:00Z", laterTime="2025-10-01T00:00:00Z"
        )
        self.assertEqual([i["configurationItemCaptureTime"].month for i in forward["configurationItems"]], [3, 4, 5])
        self.refuses("InvalidNextTokenException", config.get_resource_config_history, **asked, nextToken="nothing")
        self.refuses("InvalidLimitException", config.get_resource_config_history, **asked, limit=101)
        self.refuses(
            "InvalidTimeRangeException",
            config.get_resource_config_history,
            **asked,
            earlierTime="2026-01-01T00:00:00Z",
            laterTime="2025-01-01T00:00:00Z",
        )
        self.control("settings", config_retention_days=240)
        self.assertEqual(len(config.get_resource_config_history(**asked)["configurationItems"]), 2)
        config.get_resource_config_history(resourceType="AWS::KMS::Key", resourceId="k")
        listed = lambda **a: [r["resourceId"] for r in config.list_discovered_resources(**a)["resourceIdentifiers"]]
        self.assertEqual(listed(resourceType="AWS::Redshift::Cluster"), ["sales"])
        self.assertEqual(listed(resourceType="AWS::KMS::Key"), [])
        self.assertEqual(listed(resourceType="AWS::KMS::Key", includeDeletedResources=True), ["k"])
