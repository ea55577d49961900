-- id: LB-KEY-01
-- version: 1
-- title: Keys in use are enabled
-- severity: critical
-- question: Is every key enabled that a cluster, a copy grant, an admin password or a snapshot depends on?
-- needs: kms_key_state/keys, cluster_encryption_state/clusters, snapshot_encryption_state/snapshots
-- window: now
-- do: Enable the key, or cancel its deletion and enable it, before the cluster is rebooted, resized or restored: it cannot start without it.
WITH began AS (
  SELECT kms_key_arn, MAX(start_hi) AS since
  FROM kms_key_intervals
  WHERE end_hi IS NULL
  GROUP BY kms_key_arn
),
-- Keys that KMS no longer knows: what is under them can never be read again.
gone AS (
  SELECT kms_key_arn, MAX(observed_at) AS since,
         MAX('{"table":"kms_key_state","key":{"kms_key_arn":"' || kms_key_arn || '","observed_at":"'
             || TO_CHAR(observed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}}') AS evidence
  FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY kms_key_arn ORDER BY observed_at DESC, run_id DESC) AS age
        FROM kms_key_state
        WHERE observed_at <= :as_of) AS aged
  WHERE age = 1 AND obs_kind = 'tombstone'
  GROUP BY kms_key_arn
)
SELECT COALESCE(k.account_id, u.account_id) AS account_id, COALESCE(k.region, u.region) AS region,
       'kms_key' AS entity_type, u.kms_key_arn AS entity,
       COALESCE(NULLIF(REPLACE(k.alias, 'alias/', ''), ''), u.name) AS entity_name,
       CASE WHEN k.key_state = 'Enabled' THEN 'PASS' WHEN k.key_state IS NOT NULL OR d.kms_key_arn IS NOT NULL THEN 'FAIL' ELSE 'UNKNOWN' END AS verdict,
       CASE WHEN k.key_state IS NOT NULL THEN 'The key is ' || k.key_state
            WHEN d.kms_key_arn IS NOT NULL THEN 'The key is gone'
            WHEN k.access_error IS NOT NULL THEN 'The state of the key could not be read (' || k.access_error || ')'
            ELSE 'The key was never described' END
         || '; ' || CAST(u.users AS VARCHAR) || CASE WHEN u.users = 1 THEN ' depends' ELSE ' depend' END || ' on it: ' || u.names || '.' AS reason,
       '[' || COALESCE(k.evidence || ',', d.evidence || ',', '') || u.evidence || ']' AS evidence,
       CASE WHEN k.key_state <> 'Enabled' THEN b.since ELSE d.since END AS since
FROM kms_keys_in_use AS u
LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = u.kms_key_arn
LEFT JOIN began AS b ON b.kms_key_arn = u.kms_key_arn
LEFT JOIN gone AS d ON d.kms_key_arn = u.kms_key_arn AND k.kms_key_arn IS NULL
