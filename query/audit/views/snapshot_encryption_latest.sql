-- shows: the last known state of each snapshot that exists at the moment of the audit
-- source: snapshot_encryption_state; `evidence` is the row itself, by its natural key
WITH aged AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY snapshot_arn ORDER BY observed_at DESC, run_id DESC) AS age
  FROM snapshot_encryption_state
  WHERE observed_at <= :as_of
)
SELECT * EXCLUDE (age),
       CASE WHEN SPLIT_PART(snapshot_arn, ':', 3) = 'redshift-serverless' THEN 'namespace_snapshot' ELSE 'snapshot' END AS entity_type,
       '{"table":"snapshot_encryption_state","key":{"observed_at":"' || TO_CHAR(observed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
         || '","snapshot_arn":"' || snapshot_arn || '"}}' AS evidence
FROM aged
WHERE age = 1 AND obs_kind <> 'tombstone'
