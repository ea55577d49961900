-- id: LB-TLS-01
-- version: 1
-- title: TLS required, and in force
-- severity: high
-- question: Does every cluster refuse connections without TLS, now and not only after the next reboot?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace
-- window: now
-- do: Set require_ssl to true in the parameter group of the cluster (config parameters of the workgroup for Serverless).
-- do: If it is true and the status is pending-reboot, reboot the cluster: until then the former value is in force.
WITH last_good AS (
  SELECT cluster_namespace_arn,
         MAX(CASE WHEN require_ssl AND (deployment = 'serverless' OR ssl_parameter_status = 'in-sync') THEN start_hi END) AS last_good
  FROM cluster_encryption_intervals
  GROUP BY cluster_namespace_arn
),
began AS (
  SELECT i.cluster_namespace_arn, MIN(i.start_hi) AS since
  FROM cluster_encryption_intervals AS i
  JOIN last_good AS g ON g.cluster_namespace_arn = i.cluster_namespace_arn
  WHERE g.last_good IS NULL OR i.start_hi > g.last_good
  GROUP BY i.cluster_namespace_arn
),
judged AS (
  SELECT c.*, b.since,
         CASE WHEN NOT c.require_ssl THEN 'off'
              WHEN c.require_ssl IS NULL THEN 'unsaid'
              WHEN c.ssl_parameter_status = 'in-sync' THEN 'on'
              WHEN c.ssl_parameter_status IS NULL AND c.deployment = 'serverless' THEN 'on'
              WHEN c.ssl_parameter_status IS NULL THEN 'unsaid'
              ELSE 'pending' END AS what
  FROM cluster_encryption_latest AS c
  LEFT JOIN began AS b ON b.cluster_namespace_arn = c.cluster_namespace_arn
)
SELECT account_id, region, entity_type, cluster_namespace_arn AS entity, cluster_identifier AS entity_name,
       CASE what WHEN 'on' THEN 'PASS' WHEN 'unsaid' THEN 'UNKNOWN' ELSE 'FAIL' END AS verdict,
       CASE what
         WHEN 'on' THEN 'require_ssl is true and in force.'
         WHEN 'off' THEN 'require_ssl is false: connections without TLS are accepted.'
         WHEN 'pending' THEN 'require_ssl is true, but ' || ssl_parameter_status || ': the former value is still in force.'
         ELSE 'require_ssl, or whether it is in force, could not be read.' END AS reason,
       '[' || evidence || ']' AS evidence,
       CASE WHEN what IN ('off', 'pending') THEN since END AS since
FROM judged
