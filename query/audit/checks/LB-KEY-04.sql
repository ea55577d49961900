-- id: LB-KEY-04
-- version: 1
-- title: Automatic rotation of key material
-- severity: high
-- question: Does KMS rotate the material of every customer managed key that clusters and snapshots depend on?
-- needs: kms_key_state/keys, cluster_encryption_state/clusters, snapshot_encryption_state/snapshots
-- window: now
-- do: Switch it on with kms:EnableKeyRotation. It changes nothing in Redshift and interrupts nothing.
-- do: Keys that cannot rotate by themselves (imported material, custom key stores) are the subject of LB-KEY-05.
WITH last_on AS (
  SELECT kms_key_arn, MAX(CASE WHEN rotation_enabled THEN start_hi END) AS last_on
  FROM kms_key_intervals
  GROUP BY kms_key_arn
),
began AS (
  SELECT i.kms_key_arn, MIN(i.start_hi) AS since
  FROM kms_key_intervals AS i
  JOIN last_on AS l ON l.kms_key_arn = i.kms_key_arn
  WHERE l.last_on IS NULL OR i.start_hi > l.last_on
  GROUP BY i.kms_key_arn
),
judged AS (
  SELECT u.kms_key_arn AS arn, COALESCE(k.account_id, u.account_id) AS account,
         COALESCE(k.region, u.region) AS place, k.alias, k.evidence, k.rotation_period_days, k.key_state,
         k.rotation_unsupported_reason, k.access_error, b.since,
         CASE WHEN k.key_manager IS NULL THEN 'unsaid'
              WHEN k.key_manager = 'AWS' THEN 'aws'
              WHEN NOT k.rotation_supported THEN 'unsupported'
              WHEN k.key_state LIKE 'Pending%Deletion' THEN 'pending'
              WHEN k.rotation_enabled THEN 'on'
              WHEN NOT k.rotation_enabled THEN 'off'
              ELSE 'unsaid' END AS what
  FROM kms_keys_in_use AS u
  LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = u.kms_key_arn
  LEFT JOIN began AS b ON b.kms_key_arn = u.kms_key_arn
)
SELECT account AS account_id, place AS region, 'kms_key' AS entity_type, arn AS entity,
       COALESCE(NULLIF(REPLACE(alias, 'alias/', ''), ''), SPLIT_PART(arn, '/', 2)) AS entity_name,
       CASE what WHEN 'on' THEN 'PASS' WHEN 'off' THEN 'FAIL' WHEN 'unsaid' THEN 'UNKNOWN' ELSE 'NOT_APPLICABLE' END AS verdict,
       CASE what
         WHEN 'on' THEN 'Rotation is on' || COALESCE(', every ' || CAST(rotation_period_days AS VARCHAR) || ' days', '')
           || CASE WHEN key_state <> 'Enabled' THEN '; but the key is ' || key_state || ', and such a key is not rotated' ELSE '' END || '.'
         WHEN 'off' THEN 'Rotation is off.'
         WHEN 'aws' THEN 'AWS rotates its own keys once a year.'
         WHEN 'pending' THEN 'The key is to be deleted; KMS does not say whether rotation was on. LB-KEY-03 is about it.'
         WHEN 'unsupported' THEN 'This kind of key cannot rotate by itself' || COALESCE(': ' || rotation_unsupported_reason, '') || '. LB-KEY-05 is about its age.'
         ELSE 'Whether rotation is on is not known' || COALESCE(' (' || access_error || ')', '') || '.' END AS reason,
       '[' || COALESCE(evidence, '') || ']' AS evidence,
       CASE WHEN what = 'off' THEN since END AS since
FROM judged
