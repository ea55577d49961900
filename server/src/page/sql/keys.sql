-- The KMS keys that the record knows, as they were seen last.
SELECT alias, kms_key_arn, key_manager, key_state, rotation_enabled, rotation_period_days, last_rotation_at, next_rotation_date,
       deletion_date, observed_at
FROM kms_key_latest
ORDER BY alias, kms_key_arn
