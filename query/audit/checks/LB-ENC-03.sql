-- id: LB-ENC-03
-- version: 1
-- title: Approved key, or the key of the tier
-- severity: high
-- question: Is every cluster under a key of the approved list, and with the tag of its tier?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace, kms_key_state/keys
-- window: now
-- param approved_keys text: ARNs of the keys that may be used, separated by commas; without it any key may
-- param tag_key text: tag that the key must have; without it none
-- param tag_value text: value that the tag must have; without it any
-- do: Change the cluster to a key of the list, or give the key the tag if it is the right key.
WITH looked AS (
  SELECT c.*, k.evidence AS key_evidence, k.tags AS key_tags, k.kms_key_arn AS described, k.access_error,
         :approved_keys IS NOT NULL
           AND STRPOS(',' || REPLACE(:approved_keys, ' ', '') || ',', ',' || c.kms_key_arn || ',') = 0 AS unapproved,
         JSON_EXTRACT_PATH_TEXT(k.tags, COALESCE(:tag_key, ''), true) AS tag
  FROM cluster_encryption_latest AS c
  LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = c.kms_key_arn
)
SELECT account_id, region, entity_type, cluster_namespace_arn AS entity, cluster_identifier AS entity_name,
       CASE WHEN :approved_keys IS NULL AND :tag_key IS NULL THEN 'NOT_APPLICABLE'
            WHEN encryption_type = 'hsm' THEN 'NOT_APPLICABLE'
            WHEN NOT encrypted OR encryption_type = 'kms_aws_owned' THEN 'FAIL'
            WHEN encrypted IS NULL OR kms_key_arn IS NULL THEN 'UNKNOWN'
            WHEN unapproved THEN 'FAIL'
            WHEN :tag_key IS NULL THEN 'PASS'
            WHEN key_tags IS NULL THEN 'UNKNOWN'
            WHEN tag IS NULL OR tag <> COALESCE(:tag_value, tag) THEN 'FAIL'
            ELSE 'PASS' END AS verdict,
       CASE WHEN :approved_keys IS NULL AND :tag_key IS NULL THEN 'Neither a list of keys nor a tag was given.'
            WHEN encryption_type = 'hsm' THEN 'The key is in a hardware security module, not in KMS.'
            WHEN NOT encrypted THEN 'Not encrypted, so under no approved key.'
            WHEN encryption_type = 'kms_aws_owned' THEN 'Under a key that AWS owns, which has no tags and can be on no list.'
            WHEN encrypted IS NULL OR kms_key_arn IS NULL THEN 'AWS did not say which key it is under.'
            WHEN unapproved THEN kms_key_arn || ' is not on the list of approved keys.'
            WHEN :tag_key IS NULL THEN kms_key_arn || ' is on the list of approved keys.'
            WHEN described IS NULL THEN kms_key_arn || ' was never described.'
            WHEN key_tags IS NULL THEN 'The tags of ' || kms_key_arn || ' could not be read'
              || COALESCE(' (' || access_error || ')', '; those of a key of another account cannot be') || '.'
            WHEN tag IS NULL THEN kms_key_arn || ' has no tag ' || :tag_key || '.'
            WHEN tag <> COALESCE(:tag_value, tag) THEN 'The tag ' || :tag_key || ' of ' || kms_key_arn || ' is ' || tag || ', not ' || :tag_value || '.'
            ELSE kms_key_arn || ' has the tag ' || :tag_key || ' = ' || tag || '.' END AS reason,
       '[' || evidence || COALESCE(',' || key_evidence, '') || ']' AS evidence,
       CAST(NULL AS TIMESTAMP) AS since
FROM looked
