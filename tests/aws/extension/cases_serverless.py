"""Redshift Serverless, and where alerts go."""

from stage import ACCOUNT, ELSEWHERE, REGION, Stage


class Serverless(Stage):
    def test_namespaces_and_workgroups_are_made_changed_and_deleted(self):
        serverless, kms = self.client("redshift-serverless"), self.client("kms")
        key = self.key(kms)
        tags = [{"key": "tier", "value": "database"}]
        made = serverless.create_namespace(
            namespaceName="space",
            manageAdminPassword=True,
            adminPasswordSecretKmsKeyId=key["Arn"],
            tags=tags,
            logExports=["userlog"],
        )["namespace"]
        self.assertEqual((made["kmsKeyId"], made["adminPasswordSecretKmsKeyId"]), ("AWS_OWNED_KMS_KEY", key["Arn"]))
        self.assertEqual(serverless.list_tags_for_resource(resourceArn=made["namespaceArn"])["tags"], tags)
        self.refuses("ResourceNotFoundException", serverless.list_tags_for_resource, resourceArn="arn:aws:none")
        self.control("settings", modify_describes=1)
        serverless.update_namespace(namespaceName="space", kmsKeyId=key["KeyId"], logExports=["userlog", "connectionlog"])
        get = lambda: serverless.get_namespace(namespaceName="space")["namespace"]
        self.assertEqual(
            [(n["status"], n["kmsKeyId"]) for n in (get(), get())], [("MODIFYING", key["Arn"]), ("AVAILABLE", key["Arn"])]
        )
        serverless.create_workgroup(workgroupName="group", namespaceName="space")
        values = [{"parameterKey": "require_ssl", "parameterValue": "true"}]
        serverless.update_workgroup(workgroupName="group", configParameters=values)
        (group,) = serverless.list_workgroups()["workgroups"]
        self.assertEqual(group["configParameters"], values)
        serverless.get_workgroup(workgroupName="group")
        self.refuses("ConflictException", serverless.delete_namespace, namespaceName="space")
        serverless.delete_workgroup(workgroupName="group")
        serverless.delete_namespace(namespaceName="space", finalSnapshotName="final")
        self.assertEqual(serverless.list_snapshots()["snapshots"][0]["kmsKeyId"], key["Arn"])
        self.refuses("ResourceNotFoundException", serverless.update_namespace, namespaceName="space")
        self.refuses("ResourceNotFoundException", serverless.get_namespace, namespaceName="space")

    def test_snapshots_recovery_points_and_copies(self):
        serverless = self.client("redshift-serverless")
        serverless.create_namespace(namespaceName="space")
        serverless.create_snapshot(namespaceName="space", snapshotName="one", retentionPeriod=7)
        self.refuses("ConflictException", serverless.create_snapshot, namespaceName="space", snapshotName="one")
        self.set_state(
            "serverless_snapshot",
            "one",
            {"accountsWithRestoreAccess": ["222222222222"], "snapshotCreateTime": "2026-05-01T00:00:00Z"},
        )
        (shown,) = serverless.list_snapshots(namespaceName="space", endTime="2026-05-02T00:00:00Z")["snapshots"]
        self.assertEqual((shown["accountsWithRestoreAccess"], shown["ownerAccount"]), (["222222222222"], ACCOUNT))
        self.set_state("serverless_snapshot", "far", {"namespaceName": "gone"}, create=True)
        self.assertEqual(len(serverless.list_snapshots()["snapshots"]), 2)
        serverless.delete_snapshot(snapshotName="one")
        for n in range(3):
            self.set_state("recovery_point", f"p{n}", {"namespaceName": "space", "workgroupName": "group"}, create=True)
        found, sizes = self.pages(serverless.list_recovery_points, "recoveryPoints", "nextToken", "nextToken", maxResults=2)
        self.assertEqual(([p["recoveryPointId"] for p in found], sizes), (["p0", "p1", "p2"], [2, 1]))
        made = serverless.create_snapshot_copy_configuration(namespaceName="space", destinationRegion=ELSEWHERE)[
            "snapshotCopyConfiguration"
        ]
        self.assertEqual(made["destinationKmsKeyId"], "AWS_OWNED_KMS_KEY")
        self.refuses(
            "ConflictException", serverless.create_snapshot_copy_configuration, namespaceName="space", destinationRegion=ELSEWHERE
        )
        self.set_state("copy_configuration", made["snapshotCopyConfigurationId"], {"destinationKmsKeyId": "k"})
        (shown,) = serverless.list_snapshot_copy_configurations(namespaceName="space")["snapshotCopyConfigurations"]
        self.assertEqual(shown["destinationKmsKeyId"], "k")
        self.refuses("InvalidPaginationException", serverless.list_snapshot_copy_configurations, nextToken="nothing")
        identifier = made["snapshotCopyConfigurationId"]
        serverless.update_snapshot_copy_configuration(snapshotCopyConfigurationId=identifier, snapshotRetentionPeriod=3)
        serverless.delete_snapshot_copy_configuration(snapshotCopyConfigurationId=identifier)

    def test_lists_come_in_pages_and_by_account(self):
        serverless = self.client("redshift-serverless")
        for n in range(5):
            serverless.create_namespace(namespaceName=f"space{n}")
        for call, member in ((serverless.list_namespaces, "namespaces"),):
            _, sizes = self.pages(call, member, "nextToken", "nextToken", maxResults=2)
            self.assertEqual(sizes, [2, 2, 1])
        self.refuses("ValidationException", serverless.list_namespaces, nextToken="nothing")
        self.refuses("ValidationException", serverless.list_namespaces, maxResults=101)
        self.assertEqual(self.elsewhere("redshift-serverless").list_namespaces()["namespaces"], [])
        self.set_state("namespace", "space0", {"status": "MODIFYING", "kmsKeyId": "k", "tags": [{"key": "a", "value": "b"}]})
        shown = serverless.get_namespace(namespaceName="space0")["namespace"]
        self.assertEqual((shown["status"], shown["kmsKeyId"]), ("MODIFYING", "k"))
        self.assertEqual(serverless.list_tags_for_resource(resourceArn=shown["namespaceArn"])["tags"], [{"key": "a", "value": "b"}])


class Alerts(Stage):
    """moto has what alerts need; here is that it does."""

    def test_a_topic_takes_a_message(self):
        sns = self.client("sns")
        topic = sns.create_topic(Name="alerts", Attributes={"KmsMasterKeyId": "alias/aws/sns"})["TopicArn"]
        self.assertIn("MessageId", sns.publish(TopicArn=topic, Subject="a verdict changed", Message="text"))
        self.refuses("NotFound", sns.publish, TopicArn=topic + "x", Message="text")

    def test_security_hub_takes_findings(self):
        hub = self.client("securityhub")
        hub.enable_security_hub()
        times = dict.fromkeys(("CreatedAt", "UpdatedAt"), "2026-06-01T12:00:00Z")
        product = f"arn:aws:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"
        finding = {
            "SchemaVersion": "2018-10-08",
            "Id": "one",
            "ProductArn": product,
            "GeneratorId": "LB-ENC-01",
            "AwsAccountId": ACCOUNT,
            **times,
            "Severity": {"Label": "CRITICAL"},
            "Title": "t",
            "Description": "d",
            "Types": ["Software and Configuration Checks"],
            "Resources": [{"Type": "AwsRedshiftCluster", "Id": f"arn:aws:redshift:{REGION}:{ACCOUNT}:cluster:sales"}],
        }
        self.assertEqual(hub.batch_import_findings(Findings=[finding])["SuccessCount"], 1)
