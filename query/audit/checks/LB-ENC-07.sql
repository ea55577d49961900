-- id: LB-ENC-07
-- version: 1
-- title: Copies in other regions keep the standard
-- severity: high
-- question: Are snapshots that are copied to another region under a key there that is as good as the cluster's?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace, kms_key_state/keys
-- window: now
-- do: Create a snapshot copy grant with a customer managed key in the destination region, and enable the copies with it.
WITH looked AS (
  SELECT c.*, k.evidence AS key_evidence, g.evidence AS grant_evidence, g.key_state AS grant_state, g.key_manager AS grant_manager,
         CASE WHEN c.encryption_type = 'kms_cmk' OR k.key_manager = 'CUSTOMER' THEN 'CUSTOMER'
              WHEN c.encryption_type IN ('kms_aws_managed', 'kms_aws_owned') OR k.key_manager = 'AWS' THEN 'AWS' END AS manager
  FROM cluster_encryption_latest AS c
  LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = c.kms_key_arn
  LEFT JOIN kms_key_latest AS g ON g.kms_key_arn = c.snapshot_copy_grant_kms_key_arn
),
judged AS (
  SELECT *,
         CASE WHEN snapshot_copy_region IS NULL THEN 'none'
              WHEN encrypted IS NULL THEN 'unsaid'
              WHEN NOT encrypted THEN 'open'
              WHEN deployment = 'serverless' AND snapshot_copy_grant_kms_key_arn IS NULL
                THEN CASE manager WHEN 'CUSTOMER' THEN 'weaker' WHEN 'AWS' THEN 'same' ELSE 'undescribed' END
              WHEN deployment <> 'serverless' AND snapshot_copy_grant_name IS NULL THEN 'missing'
              WHEN snapshot_copy_grant_kms_key_arn IS NULL THEN 'unread'
              WHEN grant_state <> 'Enabled' THEN 'disabled'
              WHEN grant_state IS NULL OR grant_manager IS NULL THEN 'undescribed'
              WHEN grant_manager = 'AWS' AND manager = 'CUSTOMER' THEN 'weaker'
              WHEN grant_manager = 'AWS' AND manager IS NULL THEN 'undescribed'
              ELSE 'good' END AS what
  FROM looked
)
SELECT account_id, region, entity_type, cluster_namespace_arn AS entity, cluster_identifier AS entity_name,
       CASE WHEN what IN ('none', 'open') THEN 'NOT_APPLICABLE'
            WHEN what IN ('missing', 'disabled', 'weaker') THEN 'FAIL'
            WHEN what IN ('good', 'same') THEN 'PASS'
            ELSE 'UNKNOWN' END AS verdict,
       CASE what
         WHEN 'none' THEN 'No snapshots are copied to another region.'
         WHEN 'open' THEN 'The cluster is not encrypted, so its copies are not; LB-ENC-01 says so.'
         WHEN 'unsaid' THEN 'AWS did not say whether the cluster is encrypted.'
         WHEN 'missing' THEN 'Snapshots are copied to ' || snapshot_copy_region || ' without a copy grant.'
         WHEN 'unread' THEN 'The copy grant ' || snapshot_copy_grant_name || ' was not found in ' || snapshot_copy_region || ', or not read there.'
         WHEN 'disabled' THEN 'The key of the copies (grant ' || COALESCE(snapshot_copy_grant_name, 'none') || ')' || ' in ' || snapshot_copy_region || ' is ' || grant_state || '.'
         WHEN 'undescribed' THEN 'Who manages the keys of the cluster and of its copies is not known.'
         WHEN 'weaker' THEN 'Copies in ' || snapshot_copy_region || ' are under a key of AWS (grant ' || COALESCE(snapshot_copy_grant_name, 'none')
           || '), the cluster under a customer managed one.'
         WHEN 'same' THEN 'Copies in ' || snapshot_copy_region || ' are under a key that AWS owns, as the namespace is under one of AWS.'
         ELSE 'Copies in ' || snapshot_copy_region || ' are under ' || snapshot_copy_grant_kms_key_arn || '.' END AS reason,
       '[' || evidence || COALESCE(',' || key_evidence, '') || COALESCE(',' || grant_evidence, '') || ']' AS evidence,
       CAST(NULL AS TIMESTAMP) AS since
FROM judged
