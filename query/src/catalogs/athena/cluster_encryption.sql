-- The last known state of each cluster and Serverless namespace that still exists.
WITH aged AS (
  SELECT s.*, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY observed_at DESC, run_id DESC) AS age
  FROM ${database}."cluster_encryption_state" AS s
)
SELECT account_id,
       region,
       cluster_identifier,
       cluster_namespace_arn,
       deployment,
       encrypted,
       encryption_type,
       kms_key_arn,
       require_ssl,
       ssl_parameter_status,
       cluster_status,
       observed_at
FROM aged
WHERE age = 1 AND obs_kind <> 'tombstone'
