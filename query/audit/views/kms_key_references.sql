-- shows: what depends on which KMS key at the moment of the audit: clusters and namespaces, copy grants, admin secrets, snapshots
-- source: cluster_encryption_latest and snapshot_encryption_latest; `evidence` is the row that names the key
SELECT kms_key_arn, 'data' AS used_for, entity_type AS used_by_type, cluster_namespace_arn AS used_by,
       cluster_identifier AS used_by_name, account_id, region, evidence
FROM cluster_encryption_latest
WHERE encrypted AND kms_key_arn IS NOT NULL
UNION ALL
SELECT snapshot_copy_grant_kms_key_arn, 'copies of snapshots', entity_type, cluster_namespace_arn, cluster_identifier,
       account_id, region, evidence
FROM cluster_encryption_latest
WHERE snapshot_copy_region IS NOT NULL AND snapshot_copy_grant_kms_key_arn IS NOT NULL
UNION ALL
SELECT master_secret_kms_key_arn, 'admin password', entity_type, cluster_namespace_arn, cluster_identifier,
       account_id, region, evidence
FROM cluster_encryption_latest
WHERE master_secret_arn IS NOT NULL AND master_secret_kms_key_arn IS NOT NULL
UNION ALL
SELECT kms_key_arn, 'snapshot', entity_type, snapshot_arn, snapshot_identifier, account_id, region, evidence
FROM snapshot_encryption_latest
WHERE encrypted AND kms_key_arn IS NOT NULL
