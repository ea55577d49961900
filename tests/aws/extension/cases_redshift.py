"""Provisioned Redshift."""

from stage import ACCOUNT, ELSEWHERE, OTHER_ACCOUNT, REGION, Stage


class Clusters(Stage):
    def test_a_cluster_has_every_field_that_the_record_reads(self):
        redshift, kms = self.client("redshift"), self.client("kms")
        key = self.key(kms)
        self.cluster(
            redshift, KmsKeyId=key["KeyId"], ManageMasterPassword=True, MasterPasswordSecretKmsKeyId=key["Arn"], MultiAZ=True
        )
        shown = self.described(redshift)
        self.assertEqual((shown["Encrypted"], shown["KmsKeyId"]), (True, key["Arn"]))
        self.assertEqual((shown["MasterPasswordSecretKmsKeyId"], shown["MultiAZ"]), (key["Arn"], "Enabled"))
        self.assertRegex(shown["MasterPasswordSecretArn"], "^arn:aws:secretsmanager:")
        self.assertEqual((shown["ClusterStatus"], shown["ClusterAvailabilityStatus"]), ("available", "Available"))
        self.assertRegex(shown["ClusterNamespaceArn"], f"^arn:aws:redshift:{REGION}:{ACCOUNT}:namespace:[0-9a-f-]{{36}}$")
        self.assertEqual(shown["ClusterCreateTime"].isoformat(), "2026-06-01T12:00:00+00:00")
        self.assertNotIn("HsmStatus", shown)

    def test_without_a_key_it_is_the_one_of_aws(self):
        redshift, kms = self.client("redshift"), self.client("kms")
        self.cluster(redshift)
        key = kms.describe_key(KeyId=self.described(redshift)["KmsKeyId"])["KeyMetadata"]
        self.assertEqual(key["KeyManager"], "AWS")
        self.assertEqual(kms.describe_key(KeyId="alias/aws/redshift")["KeyMetadata"]["Arn"], key["Arn"])
        (alias,) = kms.list_aliases(KeyId=key["KeyId"])["Aliases"]
        self.assertEqual((alias["AliasName"], alias["TargetKeyId"]), ("alias/aws/redshift", key["KeyId"]))
        self.cluster(redshift, "before", Encrypted=False)
        self.assertNotIn("KmsKeyId", self.described(redshift, "before"))

    def test_a_rotation_shows_for_a_while(self):
        redshift = self.client("redshift")
        self.cluster(redshift)
        self.assertEqual(redshift.rotate_encryption_key(ClusterIdentifier="sales")["Cluster"]["ClusterStatus"], "rotating-keys")
        self.refuses("InvalidClusterState", redshift.rotate_encryption_key, ClusterIdentifier="sales")
        states = [self.described(redshift)["ClusterStatus"] for _ in range(3)]
        self.assertEqual(states, ["rotating-keys", "rotating-keys", "available"])
        self.control("settings", rotate_describes=None)
        redshift.rotate_encryption_key(ClusterIdentifier="sales")
        shown = [self.described(redshift) for _ in range(5)][-1]
        self.assertEqual((shown["ClusterStatus"], shown["ClusterAvailabilityStatus"]), ("rotating-keys", "Modifying"))
        self.set_state("cluster", "sales", {"ClusterStatus": "available"})
        self.assertEqual(self.described(redshift)["ClusterStatus"], "available")
        self.cluster(redshift, "plain", Encrypted=False)
        self.refuses("InvalidClusterState", redshift.rotate_encryption_key, ClusterIdentifier="plain")
        self.refuses("ClusterNotFound", redshift.rotate_encryption_key, ClusterIdentifier="none")

    def test_encryption_its_key_and_the_name_can_change(self):
        redshift, kms = self.client("redshift"), self.client("kms")
        one, two = self.key(kms)["Arn"], self.key(kms)["Arn"]
        self.control("settings", modify_describes=1)
        before = self.cluster(redshift, Encrypted=False)
        redshift.modify_cluster(ClusterIdentifier="sales", Encrypted=True, KmsKeyId=one)
        during, after = self.described(redshift), self.described(redshift)
        self.assertEqual((during["ClusterStatus"], during["Encrypted"]), ("resizing", False))
        self.assertEqual(during["PendingModifiedValues"], {"EncryptionType": "KMS"})
        self.assertEqual((after["Encrypted"], after["KmsKeyId"], after["PendingModifiedValues"]), (True, one, {}))
        self.control("settings", modify_describes=0)
        redshift.modify_cluster(ClusterIdentifier="sales", KmsKeyId=two)
        self.assertEqual(self.described(redshift)["KmsKeyId"], two)
        redshift.modify_cluster(ClusterIdentifier="sales", NewClusterIdentifier="orders")
        renamed = self.described(redshift, "orders")
        self.assertEqual(renamed["ClusterNamespaceArn"], before["ClusterNamespaceArn"])
        self.refuses("ClusterNotFound", redshift.describe_clusters, ClusterIdentifier="sales")
        redshift.modify_cluster(ClusterIdentifier="orders", Encrypted=False)
        self.assertEqual(self.described(redshift, "orders")["Encrypted"], False)
        self.cluster(redshift)
        self.refuses("ClusterAlreadyExists", redshift.modify_cluster, ClusterIdentifier="orders", NewClusterIdentifier="sales")
        self.assertNotEqual(self.described(redshift)["ClusterNamespaceArn"], before["ClusterNamespaceArn"])

    def test_fields_can_be_set_and_taken_away(self):
        redshift = self.client("redshift")
        self.cluster(redshift)
        values = {
            "KmsKeyId": f"arn:aws:kms:{REGION}:{OTHER_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "ClusterStatus": "incompatible-hsm",
            "ClusterCreateTime": "2025-01-01T00:00:00Z",
            "MasterPasswordSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a",
            "DataTransferProgress": {"Status": "in-progress", "TotalDataInMegaBytes": 5, "CurrentRateInMegaBytesPerSecond": 1.5},
            "Tags": [{"Key": "team", "Value": "data"}],
            "CustomDomainCertificateExpiryDate": "2027-01-01T00:00:00Z",
        }
        self.set_state("cluster", "sales", values)
        shown = self.described(redshift)
        self.assertEqual(shown["KmsKeyId"], values["KmsKeyId"])
        self.assertEqual(shown["ClusterAvailabilityStatus"], "Unavailable")
        self.assertEqual(shown["DataTransferProgress"], values["DataTransferProgress"])
        self.set_state("cluster", "sales", {"MasterPasswordSecretArn": None})
        self.assertNotIn("MasterPasswordSecretArn", self.described(redshift))

    def test_clusters_come_in_pages_and_by_account_and_region(self):
        redshift = self.client("redshift")
        for n in range(45):
            self.cluster(redshift, f"c{n:02}", Encrypted=False)
        found, sizes = self.pages(redshift.describe_clusters, "Clusters", "Marker", "Marker", MaxRecords=20)
        self.assertEqual((len({c["ClusterIdentifier"] for c in found}), sizes), (45, [20, 20, 5]))
        self.refuses("InvalidParameterValue", redshift.describe_clusters, MaxRecords=101)
        self.refuses("InvalidParameterValue", redshift.describe_clusters, Marker="nothing")
        for other in (self.elsewhere("redshift"), self.client("redshift", ELSEWHERE)):
            self.assertEqual(other.describe_clusters()["Clusters"], [])

    def test_other_changes_answer_with_the_same_fields(self):
        redshift = self.client("redshift")
        self.cluster(redshift)
        redshift.create_snapshot_copy_grant(SnapshotCopyGrantName="g")
        copy = {"DestinationRegion": ELSEWHERE, "SnapshotCopyGrantName": "g"}
        shown = redshift.enable_snapshot_copy(ClusterIdentifier="sales", **copy)["Cluster"]["ClusterSnapshotCopyStatus"]
        self.assertEqual((shown["DestinationRegion"], shown["SnapshotCopyGrantName"]), (ELSEWHERE, "g"))
        redshift.modify_snapshot_copy_retention_period(ClusterIdentifier="sales", RetentionPeriod=3)
        redshift.disable_snapshot_copy(ClusterIdentifier="sales")
        self.assertEqual(redshift.pause_cluster(ClusterIdentifier="sales")["Cluster"]["ClusterStatus"], "paused")
        redshift.resume_cluster(ClusterIdentifier="sales")
        redshift.reboot_cluster(ClusterIdentifier="sales")
        redshift.delete_cluster(ClusterIdentifier="sales", SkipFinalClusterSnapshot=True)
        self.assertEqual(redshift.describe_clusters()["Clusters"], [])

    def test_hsm(self):
        redshift = self.client("redshift")
        secret = {"HsmPartitionPassword": "secret", "HsmServerPublicCertificate": "c"}
        redshift.create_hsm_configuration(
            HsmConfigurationIdentifier="conf", Description="d", HsmIpAddress="10.0.0.1", HsmPartitionName="p", **secret
        )
        redshift.create_hsm_client_certificate(HsmClientCertificateIdentifier="cert", Tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual(redshift.describe_hsm_configurations()["HsmConfigurations"][0]["HsmIpAddress"], "10.0.0.1")
        self.assertEqual(len(redshift.describe_hsm_client_certificates(TagKeys=["a"])["HsmClientCertificates"]), 1)
        self.refuses("HsmConfigurationNotFoundFault", redshift.describe_hsm_configurations, HsmConfigurationIdentifier="x")
        self.refuses(
            "HsmClientCertificateNotFoundFault", redshift.describe_hsm_client_certificates, HsmClientCertificateIdentifier="x"
        )
        self.cluster(redshift, HsmClientCertificateIdentifier="cert", HsmConfigurationIdentifier="conf")
        shown = self.described(redshift)
        self.assertEqual((shown["HsmStatus"]["Status"], "KmsKeyId" in shown), ("active", False))
        redshift.delete_hsm_configuration(HsmConfigurationIdentifier="conf")
        redshift.delete_hsm_client_certificate(HsmClientCertificateIdentifier="cert")


class Settings(Stage):
    def test_a_parameter_is_in_force_after_a_reboot(self):
        redshift = self.client("redshift")
        redshift.create_cluster_parameter_group(ParameterGroupName="tls", ParameterGroupFamily="redshift-1.0", Description="d")
        self.cluster(redshift, ClusterParameterGroupName="tls")
        ssl = [{"ParameterName": "require_ssl", "ParameterValue": "true"}]
        redshift.modify_cluster_parameter_group(ParameterGroupName="tls", Parameters=ssl)
        user = redshift.describe_cluster_parameters(ParameterGroupName="tls", Source="user")["Parameters"]
        self.assertEqual([(p["ParameterName"], p["ParameterValue"], p["Source"]) for p in user], [("require_ssl", "true", "user")])

        def state():
            (group,) = self.described(redshift)["ClusterParameterGroups"]
            states = {p["ParameterName"]: p["ParameterApplyStatus"] for p in group["ClusterParameterStatusList"]}
            return group["ParameterApplyStatus"], states["require_ssl"], states["use_fips_ssl"]

        self.assertEqual(state(), ("pending-reboot", "pending-reboot", "in-sync"))
        redshift.reboot_cluster(ClusterIdentifier="sales")
        self.assertEqual(state(), ("in-sync", "in-sync", "in-sync"))
        self.set_state("cluster", "sales", pending_parameters=["use_fips_ssl"])
        self.assertEqual(state(), ("pending-reboot", "in-sync", "pending-reboot"))
        self.refuses(
            "InvalidParameterValue",
            redshift.modify_cluster_parameter_group,
            ParameterGroupName="tls",
            Parameters=[{"ParameterName": "x", "ParameterValue": "1"}],
        )
        self.refuses(
            "ClusterParameterGroupNotFound", redshift.modify_cluster_parameter_group, ParameterGroupName="none", Parameters=ssl
        )
        self.refuses(
            "InvalidParameterValue",
            redshift.modify_cluster_parameter_group,
            ParameterGroupName="default.redshift-1.0",
            Parameters=ssl,
        )
        self.set_state("parameter_group", "tls", {f"made_up_{n:02}": "1" for n in range(20)})
        found, sizes = self.pages(
            redshift.describe_cluster_parameters, "Parameters", "Marker", "Marker", ParameterGroupName="tls", MaxRecords=20
        )
        self.assertEqual((len(found), sizes), (31, [20, 11]))
        self.assertEqual(len(redshift.describe_cluster_parameter_groups()["ParameterGroups"]), 2)

    def test_logging_is_as_it_was_set(self):
        redshift = self.client("redshift")
        self.cluster(redshift)
        off = redshift.describe_logging_status(ClusterIdentifier="sales")
        self.assertEqual((off["LoggingEnabled"], "LastFailureTime" in off), (False, False))
        redshift.enable_logging(ClusterIdentifier="sales", BucketName="logs", S3KeyPrefix="a/")
        times = {
            "LastSuccessfulDeliveryTime": "2026-06-01T10:00:00Z",
            "LastFailureTime": "2026-06-01T11:00:00Z",
            "LastFailureMessage": "no",
        }
        self.set_state("logging", "sales", times)
        on = redshift.describe_logging_status(ClusterIdentifier="sales")
        self.assertEqual((on["LogDestinationType"], on["BucketName"], on["LastFailureMessage"]), ("s3", "logs", "no"))
        self.assertLess(on["LastSuccessfulDeliveryTime"], on["LastFailureTime"])
        redshift.enable_logging(ClusterIdentifier="sales", LogDestinationType="cloudwatch", LogExports=["userlog"])
        self.assertEqual(redshift.describe_logging_status(ClusterIdentifier="sales")["LogExports"], ["userlog"])
        redshift.disable_logging(ClusterIdentifier="sales")
        self.refuses("ClusterNotFound", redshift.describe_logging_status, ClusterIdentifier="none")
