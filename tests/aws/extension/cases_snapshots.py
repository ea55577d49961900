"""Snapshots, copy grants and events of provisioned Redshift."""

from stage import ACCOUNT, ELSEWHERE, NOW, OTHER_ACCOUNT, REGION, Stage


class Snapshots(Stage):
    def test_snapshots_have_their_key_and_whom_they_are_shared_with(self):
        redshift, kms = self.client("redshift"), self.client("kms")
        key = self.key(kms)["Arn"]
        self.cluster(redshift, KmsKeyId=key)
        made = redshift.create_cluster_snapshot(SnapshotIdentifier="s", ClusterIdentifier="sales", ManualSnapshotRetentionPeriod=10)
        self.assertEqual((made["Snapshot"]["KmsKeyId"], made["Snapshot"]["Encrypted"]), (key, True))
        self.advance(days=3)
        (shown,) = redshift.describe_cluster_snapshots(SnapshotIdentifier="s")["Snapshots"]
        self.assertEqual(
            (shown["ManualSnapshotRemainingDays"], shown["OwnerAccount"], shown["SnapshotType"]), (7, ACCOUNT, "manual")
        )
        redshift.authorize_snapshot_access(SnapshotIdentifier="s", AccountWithRestoreAccess=OTHER_ACCOUNT)
        self.refuses(
            "AuthorizationAlreadyExists",
            redshift.authorize_snapshot_access,
            SnapshotIdentifier="s",
            AccountWithRestoreAccess=OTHER_ACCOUNT,
        )
        other = self.elsewhere("redshift")
        (shared,) = other.describe_cluster_snapshots(OwnerAccount=ACCOUNT)["Snapshots"]
        self.assertEqual(shared["AccountsWithRestoreAccess"], [{"AccountId": OTHER_ACCOUNT}])
        redshift.revoke_snapshot_access(SnapshotIdentifier="s", AccountWithRestoreAccess=OTHER_ACCOUNT)
        self.refuses(
            "AuthorizationNotFound", redshift.revoke_snapshot_access, SnapshotIdentifier="s", AccountWithRestoreAccess=OTHER_ACCOUNT
        )
        self.refuses("ClusterSnapshotNotFound", redshift.describe_cluster_snapshots, SnapshotIdentifier="none")
        automated = redshift.describe_cluster_snapshots(SnapshotType="automated")["Snapshots"][0]
        self.assertEqual(automated["KmsKeyId"], key)
        copied = redshift.copy_cluster_snapshot(
            SourceSnapshotIdentifier=automated["SnapshotIdentifier"], TargetSnapshotIdentifier="kept"
        )
        self.assertEqual((copied["Snapshot"]["SnapshotType"], copied["Snapshot"]["KmsKeyId"]), ("manual", key))
        self.refuses(
            "ClusterSnapshotAlreadyExists",
            redshift.copy_cluster_snapshot,
            SourceSnapshotIdentifier="s",
            TargetSnapshotIdentifier="kept",
        )
        redshift.delete_cluster_snapshot(SnapshotIdentifier="kept")

    def test_snapshots_of_deleted_clusters(self):
        redshift = self.client("redshift")
        self.cluster(redshift, "gone", Encrypted=False)
        redshift.create_cluster_snapshot(SnapshotIdentifier="orphan", ClusterIdentifier="gone")
        redshift.delete_cluster(ClusterIdentifier="gone", SkipFinalClusterSnapshot=True)
        self.cluster(redshift, "gone")
        redshift.create_cluster_snapshot(SnapshotIdentifier="living", ClusterIdentifier="gone")
        names = lambda **a: [s["SnapshotIdentifier"] for s in redshift.describe_cluster_snapshots(**a)["Snapshots"]]
        self.assertEqual(names(ClusterExists=False), ["orphan"])
        self.assertEqual(names(ClusterExists=True, ClusterIdentifier="gone", SnapshotType="manual"), ["living"])
        self.assertEqual(names(ClusterIdentifier="none"), [])
        self.refuses("InvalidParameterCombination", redshift.describe_cluster_snapshots, ClusterExists=True)
        self.set_state(
            "snapshot",
            "copied",
            {"ClusterIdentifier": "far", "SourceRegion": ELSEWHERE, "Encrypted": True, "KmsKeyId": "k"},
            create=True,
        )
        self.assertEqual(names(ClusterExists=False), ["copied", "orphan"])
        self.set_state("snapshot", "orphan", {"SnapshotCreateTime": "2025-01-01T00:00:00Z", "Tags": [{"Key": "a", "Value": "b"}]})
        self.assertEqual((names(EndTime="2025-06-01T00:00:00Z"), names(TagKeys=["a"])), (["orphan"], ["orphan"]))
        self.set_state("snapshot", "copied", delete=True)
        self.assertEqual(names(ClusterExists=False), ["orphan"])

    def test_snapshots_and_grants_come_in_pages(self):
        redshift = self.client("redshift")
        self.cluster(redshift)
        for n in range(44):
            redshift.create_cluster_snapshot(SnapshotIdentifier=f"s{n:02}", ClusterIdentifier="sales")
        found, sizes = self.pages(redshift.describe_cluster_snapshots, "Snapshots", "Marker", "Marker", MaxRecords=20)
        self.assertEqual((len({s["SnapshotIdentifier"] for s in found}), sizes), (45, [20, 20, 5]))
        for n in range(21):
            made = redshift.create_snapshot_copy_grant(SnapshotCopyGrantName=f"g{n:02}", Tags=[{"Key": "a", "Value": "b"}])
        self.assertRegex(made["SnapshotCopyGrant"]["KmsKeyId"], f"^arn:aws:kms:{REGION}:{ACCOUNT}:key/")
        found, sizes = self.pages(redshift.describe_snapshot_copy_grants, "SnapshotCopyGrants", "Marker", "Marker", MaxRecords=20)
        self.assertEqual(sizes, [20, 1])
        self.set_state("copy_grant", "g00", {"KmsKeyId": "k"})
        self.assertEqual(
            redshift.describe_snapshot_copy_grants(SnapshotCopyGrantName="g00")["SnapshotCopyGrants"][0]["KmsKeyId"], "k"
        )
        self.refuses("SnapshotCopyGrantNotFoundFault", redshift.describe_snapshot_copy_grants, SnapshotCopyGrantName="none")

    def test_a_restored_cluster_is_another_one_under_the_snapshot_s_key(self):
        redshift, kms = self.client("redshift"), self.client("kms")
        key, other = self.key(kms)["Arn"], self.key(kms)["Arn"]
        before = self.cluster(redshift, KmsKeyId=key)
        redshift.create_cluster_snapshot(SnapshotIdentifier="s", ClusterIdentifier="sales")
        redshift.restore_from_cluster_snapshot(ClusterIdentifier="again", SnapshotIdentifier="s")
        redshift.restore_from_cluster_snapshot(ClusterIdentifier="moved", SnapshotIdentifier="s", KmsKeyId=other)
        self.assertEqual(self.described(redshift, "again")["KmsKeyId"], key)
        self.assertEqual(self.described(redshift, "moved")["KmsKeyId"], other)
        self.assertNotEqual(self.described(redshift, "again")["ClusterNamespaceArn"], before["ClusterNamespaceArn"])


class Events(Stage):
    def test_events_of_calls_and_of_tests(self):
        redshift = self.client("redshift")
        self.cluster(redshift)
        redshift.modify_cluster(ClusterIdentifier="sales", NewClusterIdentifier="orders")
        ids = lambda **a: [e["EventId"][-4:] for e in redshift.describe_events(**a)["Events"]]
        self.assertEqual(ids(), ["2000", "2013"])
        self.advance(hours=2)
        self.assertEqual((ids(), ids(Duration=180)), ([], ["2000", "2013"]))
        given = {"EventId": "REDSHIFT-EVENT-3688", "SourceIdentifier": "orders", "Message": "verbatim"}
        late = {
            "EventId": "REDSHIFT-EVENT-4005",
            "SourceIdentifier": "orders",
            "Date": "2026-06-01T13:00:00Z",
            "visible_from": "2026-06-02T00:00:00Z",
        }
        new = {
            "EventId": "REDSHIFT-EVENT-9999",
            "SourceIdentifier": "x",
            "SourceType": "scheduled-action",
            "EventCategories": ["monitoring"],
            "Severity": "INFO",
            "Message": "new",
        }
        self.control("redshift-events", region=REGION, events=[given, late, {**new, "copies": 2}])
        self.assertEqual(ids(), ["3688", "9999", "9999"])
        self.assertEqual(ids(SourceType="cluster", SourceIdentifier="orders"), ["3688"])
        self.advance(days=1)
        self.assertEqual(ids(Duration=3000), ["2000", "2013", "4005", "3688", "9999", "9999"])
        self.assertEqual(ids(StartTime="2026-06-01T12:30:00Z", EndTime="2026-06-01T13:30:00Z"), ["4005"])
        self.advance(days=14)
        self.assertEqual(ids(StartTime=NOW), [])
        self.refuses("InvalidParameterCombination", redshift.describe_events, SourceIdentifier="sales")

    def test_events_come_in_pages(self):
        redshift = self.client("redshift")
        event = {"EventId": "REDSHIFT-EVENT-3000", "SourceIdentifier": "sales"}
        self.control("redshift-events", region=REGION, events=[{**event, "Message": str(n)} for n in range(45)])
        found, sizes = self.pages(redshift.describe_events, "Events", "Marker", "Marker", MaxRecords=20)
        self.assertEqual(([e["Message"] for e in found], sizes), ([str(n) for n in range(45)], [20, 20, 5]))
        self.refuses("InvalidParameterValue", redshift.describe_events, MaxRecords=10)

    def test_the_catalogue(self):
        redshift = self.client("redshift")
        kinds = redshift.describe_event_categories()["EventCategoriesMapList"]
        self.assertIn("REDSHIFT-EVENT-3688", [e["EventId"] for kind in kinds for e in kind["Events"]])
        (one,) = redshift.describe_event_categories(SourceType="cluster-snapshot")["EventCategoriesMapList"]
        self.assertEqual(one["SourceType"], "cluster-snapshot")
