-- id: LB-ENC-01
-- version: 1
-- title: Encrypted at rest now
-- severity: critical
-- question: Is every cluster and every Serverless namespace encrypted at rest?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace
-- window: now
-- do: Encrypt the cluster with a customer managed key: ModifyCluster with Encrypted and KmsKeyId. The cluster is migrated and read-only for a while.
-- do: Ask LB-ENC-04 for how long it was so, and delete the snapshots that LB-ENC-05 names.
WITH bad AS (
  SELECT cluster_namespace_arn, MAX(CASE WHEN encrypted THEN start_hi END) AS last_good
  FROM cluster_encryption_intervals
  GROUP BY cluster_namespace_arn
),
began AS (
  SELECT i.cluster_namespace_arn, MIN(i.start_hi) AS since
  FROM cluster_encryption_intervals AS i
  JOIN bad AS b ON b.cluster_namespace_arn = i.cluster_namespace_arn
  WHERE b.last_good IS NULL OR i.start_hi > b.last_good
  GROUP BY i.cluster_namespace_arn
)
SELECT c.account_id, c.region, c.entity_type, c.cluster_namespace_arn AS entity, c.cluster_identifier AS entity_name,
       CASE WHEN c.encrypted THEN 'PASS' WHEN NOT c.encrypted THEN 'FAIL' ELSE 'UNKNOWN' END AS verdict,
       CASE WHEN c.encrypted THEN 'Encrypted at rest (' || c.encryption_type || COALESCE(', ' || c.kms_key_arn, '') || ').'
            WHEN NOT c.encrypted THEN 'Not encrypted at rest'
              || COALESCE('; a change to ' || c.pending_encryption_type || ' is under way', '') || '.'
            ELSE 'The answer of AWS did not say whether it is encrypted.' END AS reason,
       '[' || c.evidence || ']' AS evidence,
       CASE WHEN NOT c.encrypted THEN s.since END AS since
FROM cluster_encryption_latest AS c
LEFT JOIN began AS s ON s.cluster_namespace_arn = c.cluster_namespace_arn
