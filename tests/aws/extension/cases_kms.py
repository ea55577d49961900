"""Keys and their rotations."""

from stage import ACCOUNT, OTHER_ACCOUNT, REGION, Stage

DAY = 86400


class Keys(Stage):
    def test_a_key_has_its_material_and_no_nulls(self):
        kms = self.client("kms")
        key = self.key(kms, Tags=[{"TagKey": "tier", "TagValue": "database"}])
        self.assertRegex(key["CurrentKeyMaterialId"], "^[0-9a-f]{64}$")
        self.assertEqual(kms.describe_key(KeyId=key["Arn"])["KeyMetadata"], key)
        self.assertEqual(kms.list_resource_tags(KeyId=key["Arn"])["Tags"], [{"TagKey": "tier", "TagValue": "database"}])
        self.assertNotIn("CurrentKeyMaterialId", self.key(kms, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY"))
        self.assertEqual(self.key(kms, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["MacAlgorithms"], ["HMAC_SHA_256"])
        self.assertEqual(self.key(kms, Origin="EXTERNAL")["KeyState"], "PendingImport")
        self.key(kms, MultiRegion=True)
        store = self.key(kms, Origin="AWS_CLOUDHSM", CustomKeyStoreId="cks-1234567890abcdef0")
        self.assertEqual(store["CustomKeyStoreId"], "cks-1234567890abcdef0")
        self.refuses("NotFoundException", kms.describe_key, KeyId="1234abcd-12ab-34cd-56ef-1234567890ab")

    def test_states_change_by_arn(self):
        kms = self.client("kms")
        arn = self.key(kms)["Arn"]
        state = lambda: kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
        kms.disable_key(KeyId=arn)
        self.assertEqual(state(), "Disabled")
        kms.enable_key(KeyId=arn)
        planned = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
        self.assertEqual((planned["KeyId"], planned["KeyState"], planned["PendingWindowInDays"]), (arn, "PendingDeletion", 7))
        self.assertEqual(kms.describe_key(KeyId=arn)["KeyMetadata"]["DeletionDate"], planned["DeletionDate"])
        self.refuses("KMSInvalidStateException", kms.disable_key, KeyId=arn)
        self.assertEqual(kms.cancel_key_deletion(KeyId=arn)["KeyId"], arn)
        self.assertEqual(state(), "Disabled")
        self.refuses("KMSInvalidStateException", kms.cancel_key_deletion, KeyId=arn)
        kms.create_alias(AliasName="alias/a", TargetKeyId=arn)
        self.refuses("NotFoundException", kms.disable_key, KeyId="alias/a")
        self.refuses("ValidationException", kms.schedule_key_deletion, KeyId=arn, PendingWindowInDays=3)
        kms.schedule_key_deletion(KeyId=arn)
        self.advance(days=31)
        self.refuses("NotFoundException", kms.describe_key, KeyId=arn)

    def test_a_key_of_another_account_is_denied_or_allowed(self):
        kms, other = self.client("kms"), self.elsewhere("kms")
        arn = self.key(kms)["Arn"]
        self.refuses("AccessDeniedException", other.describe_key, KeyId=arn)
        self.set_state("key", arn, {"CrossAccount": "allowed"})
        self.assertEqual(other.describe_key(KeyId=arn)["KeyMetadata"]["AWSAccountId"], ACCOUNT)
        self.assertEqual(other.get_key_rotation_status(KeyId=arn)["KeyId"], arn)
        for call in (other.list_key_rotations, other.get_key_last_usage, other.list_resource_tags):
            self.refuses("AccessDeniedException", call, KeyId=arn)
        self.refuses("AccessDeniedException", other.get_key_policy, KeyId=arn, PolicyName="default")
        self.set_state("key", arn, {"CrossAccount": "denied", "Policy": f'{{"a": "arn:aws:iam::{OTHER_ACCOUNT}:root"}}'})
        other.describe_key(KeyId=arn)

    def test_uses_need_an_enabled_key_and_are_remembered(self):
        kms = self.client("kms")
        key = self.key(kms)
        unused = kms.get_key_last_usage(KeyId=key["Arn"])
        self.assertNotIn("KeyLastUsage", unused)
        self.assertEqual(unused["KeyCreationDate"], key["CreationDate"])
        self.advance(hours=1)
        made = kms.generate_data_key(KeyId=key["Arn"], KeySpec="AES_256")
        used = kms.get_key_last_usage(KeyId=key["KeyId"])["KeyLastUsage"]
        self.assertEqual((used["Operation"], used["Timestamp"].isoformat()), ("GenerateDataKey", "2026-06-01T13:00:00+00:00"))
        kms.disable_key(KeyId=key["KeyId"])
        self.refuses("DisabledException", kms.decrypt, CiphertextBlob=made["CiphertextBlob"])
        self.refuses("DisabledException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
        kms.schedule_key_deletion(KeyId=key["KeyId"])
        self.refuses("KMSInvalidStateException", kms.generate_data_key, KeyId=key["KeyId"], KeySpec="AES_256")
        last = {"Operation": "Decrypt", "Timestamp": "2026-05-01T00:00:00Z", "CloudTrailEventId": "e", "KmsRequestId": "r"}
        self.set_state("key", key["Arn"], {"KeyLastUsage": last})
        self.assertEqual(kms.get_key_last_usage(KeyId=key["Arn"])["KeyLastUsage"]["Operation"], "Decrypt")
        self.refuses("NotFoundException", kms.get_key_last_usage, KeyId="1234abcd-12ab-34cd-56ef-1234567890ab")

    def test_lists_come_in_pages(self):
        kms = self.client("kms")
        keys = [self.key(kms)["KeyId"] for _ in range(5)]
        for n in range(5):
            kms.create_alias(AliasName=f"alias/a{n}", TargetKeyId=keys[0])
            constraints = {"EncryptionContextSubset": {"aws:redshift:arn": "arn:aws:redshift:x"}}
            kms.create_grant(
                KeyId=keys[0], GranteePrincipal="arn:aws:iam::123456789012:role/r", Operations=["Decrypt"], Constraints=constraints
            )
        kms.tag_resource(KeyId=keys[0], Tags=[{"TagKey": f"t{n}", "TagValue": "v"} for n in range(5)])
        for call, member, arguments in (
            (kms.list_keys, "Keys", {}),
            (kms.list_aliases, "Aliases", {"KeyId": keys[0]}),
            (kms.list_grants, "Grants", {"KeyId": keys[0]}),
            (kms.list_resource_tags, "Tags", {"KeyId": keys[0]}),
        ):
            _, sizes = self.pages(call, member, "Marker", "NextMarker", Limit=2, **arguments)
            self.assertEqual(sizes, [2, 2, 1], member)
        self.assertGreater(len(kms.list_aliases()["Aliases"]), 5)
        self.refuses("InvalidMarkerException", kms.list_keys, Marker="nothing")
        kms.get_key_policy(KeyId=keys[0], PolicyName="default")


class Rotations(Stage):
    def test_rotation_has_a_period_and_a_next_date_and_happens(self):
        kms = self.client("kms")
        arn = self.key(kms)["Arn"]
        self.assertEqual(kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"], False)
        kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=90)
        status = kms.get_key_rotation_status(KeyId=arn)
        self.assertEqual(
            (status["RotationPeriodInDays"], status["NextRotationDate"].isoformat()), (90, "2026-08-30T12:00:00+00:00")
        )
        self.advance(days=200)
        rotations = kms.list_key_rotations(KeyId=arn)["Rotations"]
        self.assertEqual([r["RotationType"] for r in rotations], ["AUTOMATIC"] * 2)
        current = kms.describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"]
        self.assertEqual((rotations[-1]["KeyMaterialId"], rotations[-1]["KeyMaterialState"]), (current, "CURRENT"))
        kms.disable_key(KeyId=arn)
        self.advance(days=100)
        self.assertEqual(len(kms.list_key_rotations(KeyId=arn)["Rotations"]), 2)
        kms.enable_key(KeyId=arn)
        self.assertEqual(len(kms.list_key_rotations(KeyId=arn)["Rotations"]), 3)
        kms.disable_key_rotation(KeyId=arn)
        self.assertNotIn("NextRotationDate", kms.get_key_rotation_status(KeyId=arn))
        self.refuses("ValidationException", kms.enable_key_rotation, KeyId=arn, RotationPeriodInDays=10)
        kms.enable_key_rotation(KeyId=arn)
        kms.schedule_key_deletion(KeyId=arn)
        self.assertEqual(kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"], False)

    def test_rotations_on_demand_end_at_25_and_come_in_pages(self):
        kms = self.client("kms")
        key = self.key(kms)
        for _ in range(25):
            self.advance(hours=1)
            kms.rotate_key_on_demand(KeyId=key["Arn"])
        self.refuses("LimitExceededException", kms.rotate_key_on_demand, KeyId=key["KeyId"])
        found, sizes = self.pages(
            kms.list_key_rotations,
            "Rotations",
            "Marker",
            "NextMarker",
            KeyId=key["Arn"],
            Limit=10,
            IncludeKeyMaterial="ALL_KEY_MATERIAL",
        )
        self.assertEqual((len({r["KeyMaterialId"] for r in found}), sizes), (26, [10, 10, 6]))
        self.assertEqual((found[0]["KeyMaterialId"], "RotationDate" in found[0]), (key["CurrentKeyMaterialId"], False))
        self.refuses("InvalidMarkerException", kms.list_key_rotations, KeyId=key["Arn"], Marker="nothing")
        kms.create_alias(AliasName="alias/a", TargetKeyId=key["KeyId"])
        self.refuses("NotFoundException", kms.rotate_key_on_demand, KeyId="alias/a")

    def test_some_keys_do_not_rotate(self):
        kms = self.client("kms")
        for arguments in (
            {"Origin": "EXTERNAL"},
            {"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1"},
            {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
        ):
            arn = self.key(kms, **arguments)["Arn"]
            self.refuses("UnsupportedOperationException", kms.get_key_rotation_status, KeyId=arn)
            self.refuses("UnsupportedOperationException", kms.enable_key_rotation, KeyId=arn)
        self.refuses("UnsupportedOperationException", kms.list_key_rotations, KeyId=arn)
        managed = kms.describe_key(KeyId="alias/aws/redshift")["KeyMetadata"]
        status = kms.get_key_rotation_status(KeyId=managed["Arn"])
        self.assertEqual((status["KeyRotationEnabled"], status["RotationPeriodInDays"]), (True, 365))
        self.advance(days=400)
        self.assertEqual(len(kms.list_key_rotations(KeyId=managed["Arn"])["Rotations"]), 1)

    def test_everything_of_a_key_can_be_set(self):
        kms = self.client("kms")
        arn = self.key(kms)["Arn"]
        rotation = {"RotationDate": "2024-01-01T00:00:00Z", "RotationType": "ON_DEMAND", "KeyMaterialId": "a" * 64}
        values = {
            "CreationDate": "2020-01-01T00:00:00Z",
            "Origin": "EXTERNAL",
            "KeyState": "Unavailable",
            "ValidTo": "2026-07-01T00:00:00Z",
            "ExpirationModel": "KEY_MATERIAL_EXPIRES",
            "Tags": [{"TagKey": "a", "TagValue": "b"}],
            "Rotations": [rotation],
            "CurrentKeyMaterialId": "a" * 64,
            "Description": "set",
        }
        self.set_state("key", arn, values)
        shown = kms.describe_key(KeyId=arn)["KeyMetadata"]
        self.assertEqual((shown["CreationDate"].year, shown["KeyState"], shown["Enabled"]), (2020, "Unavailable", False))
        self.assertEqual((shown["ValidTo"].month, shown["ExpirationModel"]), (7, "KEY_MATERIAL_EXPIRES"))
        (found,) = kms.list_key_rotations(KeyId=arn)["Rotations"]
        self.assertEqual(
            (found["KeyMaterialState"], found["ImportState"], found["RotationDate"].year), ("CURRENT", "IMPORTED", 2024)
        )
        self.set_state(
            "key",
            arn,
            {
                "Origin": "AWS_KMS",
                "KeyRotationEnabled": True,
                "OnDemandRotationStartDate": "2026-06-01T11:00:00Z",
                "NextRotationDate": "2026-06-02T00:00:00Z",
            },
        )
        status = kms.get_key_rotation_status(KeyId=arn)
        self.assertEqual((status["OnDemandRotationStartDate"].hour, status["NextRotationDate"].day), (11, 2))
        self.set_state("key", arn, delete=True)
        self.refuses("NotFoundException", kms.describe_key, KeyId=arn)
