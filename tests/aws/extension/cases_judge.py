"""The judge itself has to find what is wrong; and what the stand-ins change has to have been before it."""

import json
import unittest

import botocore.session

import answers
import judge
import stage
from stage import Stage

# What the record asks, and what sets its scenes: each has to have been answered and judged.
CHANGED = {
    "redshift": (
        "DescribeClusters CreateCluster ModifyCluster DeleteCluster RotateEncryptionKey RebootCluster PauseCluster ResumeCluster "
        "EnableSnapshotCopy DisableSnapshotCopy ModifySnapshotCopyRetentionPeriod DescribeClusterParameters DescribeClusterParameterGroups "
        "ModifyClusterParameterGroup DescribeClusterSnapshots CreateClusterSnapshot DeleteClusterSnapshot CopyClusterSnapshot "
        "AuthorizeSnapshotAccess RevokeSnapshotAccess RestoreFromClusterSnapshot CreateSnapshotCopyGrant DescribeSnapshotCopyGrants "
        "DescribeEvents DescribeEventCategories DescribeLoggingStatus EnableLogging DisableLogging DescribeHsmConfigurations "
        "DescribeHsmClientCertificates CreateHsmConfiguration CreateHsmClientCertificate DeleteHsmConfiguration DeleteHsmClientCertificate"
    ),
    "kms": (
        "DescribeKey CreateKey DisableKey EnableKey ScheduleKeyDeletion CancelKeyDeletion GetKeyLastUsage ListKeys ListAliases "
        "ListResourceTags ListGrants GetKeyRotationStatus EnableKeyRotation DisableKeyRotation RotateKeyOnDemand ListKeyRotations GetKeyPolicy"
    ),
    "cloudtrail": "LookupEvents",
    "config": "GetResourceConfigHistory ListDiscoveredResources",
    "redshift-serverless": (
        "ListNamespaces GetNamespace CreateNamespace UpdateNamespace DeleteNamespace ListWorkgroups CreateWorkgroup UpdateWorkgroup "
        "DeleteWorkgroup ListSnapshots CreateSnapshot DeleteSnapshot ListRecoveryPoints ListSnapshotCopyConfigurations "
        "CreateSnapshotCopyConfiguration UpdateSnapshotCopyConfiguration DeleteSnapshotCopyConfiguration ListTagsForResource"
    ),
    "sns": "Publish",
    "securityhub": "BatchImportFindings",
}


def model(service):
    return botocore.session.get_session().get_service_model(service)


def xml(operation, inside):
    return f"<{operation}Response><{operation}Result>{inside}</{operation}Result></{operation}Response>".encode()


class Judge(unittest.TestCase):
    def of_events(self, inside):
        return judge.problems(model("redshift"), "DescribeEvents", xml("DescribeEvents", f"<Events>{inside}</Events>"))

    def of_lookup(self, **event):
        return judge.problems(model("cloudtrail"), "LookupEvents", json.dumps({"Events": [event]}))

    def test_a_right_answer_has_no_problems(self):
        event = "<Event><Date>2026-06-01T12:00:00Z</Date><EventId>a</EventId><SourceType>cluster</SourceType></Event>"
        self.assertEqual(self.of_events(event), [])
        self.assertEqual(self.of_lookup(EventId="a", EventTime=1780315200, ReadOnly="true"), [])

    def test_drift_in_xml_is_found(self):
        for wrong in (
            "<Event><EventID>a</EventID></Event>",
            "<member><EventId>a</EventId></member>",
            "<Event><Date>yesterday</Date></Event>",
            "<Event><Date>1780315200</Date></Event>",
            "<Event><SourceType>namespace</SourceType></Event>",
            "<Event><EventId>a</EventId><EventId>b</EventId></Event>",
            "<Event><EventId><b/></EventId></Event>",
            "<Event><EventCategories><member>a</member></EventCategories></Event>",
        ):
            self.assertEqual(len(self.of_events(wrong)), 1, wrong)
        encrypted = "<Clusters><Cluster><Encrypted>yes</Encrypted></Cluster></Clusters>"
        self.assertEqual(len(judge.problems(model("redshift"), "DescribeClusters", xml("DescribeClusters", encrypted))), 1)
        self.assertEqual(len(judge.problems(model("redshift"), "DescribeClusters", xml("DescribeEvents", ""))), 1)

    def test_drift_in_json_is_found(self):
        for wrong in (
            {"EventID": "a"},
            {"EventId": None},
            {"EventId": 1},
            {"EventTime": "2026-06-01T12:00:00Z"},
            {"EventTime": 1780315200000},
            {"Resources": {}},
            {"Resources": [{"Name": "a"}]},
            {"ReadOnly": True},
        ):
            self.assertEqual(len(self.of_lookup(**wrong)), 1, wrong)
        lacking = json.dumps({"KeyMetadata": {"KeyState": "Broken", "Enabled": "true"}})
        self.assertEqual(len(judge.problems(model("kms"), "DescribeKey", lacking)), 3)
        namespace = json.dumps({"namespaces": [{"creationDate": 1780315200}]})
        self.assertEqual(len(judge.problems(model("redshift-serverless"), "ListNamespaces", namespace)), 1)
        self.assertEqual(len(judge.problems(model("redshift-serverless"), "ListNamespaces", "{}")), 1)

    def test_errors_of_other_operations_are_found(self):
        kms, redshift = model("kms"), model("redshift")
        body = lambda code: json.dumps({"__type": code, "message": "m"})
        self.assertEqual(judge.error_problems(kms, "DescribeKey", 400, body("NotFoundException")), [])
        self.assertEqual(len(judge.error_problems(kms, "DescribeKey", 400, body("LimitExceededException"))), 1)
        wrapped = lambda code: f"<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"
        self.assertEqual(judge.error_problems(redshift, "DescribeClusters", 404, wrapped("ClusterNotFound")), [])
        self.assertEqual(len(judge.error_problems(redshift, "DescribeClusters", 400, wrapped("ClusterNotFound"))), 1)
        self.assertEqual(len(judge.error_problems(redshift, "DescribeClusters", 400, wrapped("ClusterNotFoundFault"))), 1)

    def test_a_misspelt_member_does_not_leave_the_server(self):
        shape = model("redshift").operation_model("DescribeEvents").output_shape
        answers.check(shape, {"Events": [{"EventId": "a"}], "Marker": "m"}, "a")
        with self.assertRaises(answers.NotInTheModel):
            answers.check(shape, {"Events": [{"EventID": "a"}]}, "a")


class ZCoverage(Stage):
    """Last by its name: what the others did not call is a hole."""

    def test_every_changed_operation_was_judged(self):
        wanted = {(service, operation) for service, names in CHANGED.items() for operation in names.split()}
        self.assertEqual(wanted - stage.judged, set())
