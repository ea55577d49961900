-- shows: the last known state of each cluster and Serverless namespace that exists at the moment of the audit
-- source: cluster_encryption_state; `evidence` is the row itself, by its natural key
WITH aged AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY observed_at DESC, run_id DESC) AS age
  FROM cluster_encryption_state
  WHERE observed_at <= :as_of
)
SELECT * EXCLUDE (age),
       CASE WHEN deployment = 'serverless' THEN 'namespace' ELSE 'cluster' END AS entity_type,
       '{"table":"cluster_encryption_state","key":{"cluster_namespace_arn":"' || cluster_namespace_arn || '","observed_at":"'
         || TO_CHAR(observed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}}' AS evidence
FROM aged
WHERE age = 1 AND obs_kind <> 'tombstone'
