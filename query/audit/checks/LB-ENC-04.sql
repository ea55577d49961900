-- id: LB-ENC-04
-- version: 1
-- title: Unencrypted at any time
-- severity: critical
-- question: Was any cluster not encrypted at rest at any time of the window, from when to when, and who did it?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace
-- window: window
-- do: Treat what was stored in that time as having been readable on disk: its snapshots are named by LB-ENC-05.
-- do: Deny redshift:CreateCluster, ModifyCluster and RestoreFromClusterSnapshot without encryption in a service control policy.
WITH present AS (
  SELECT *,
         ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi DESC) AS age,
         CASE WHEN encrypted THEN 'good'
              WHEN encrypted IS NULL THEN 'unsaid'
              WHEN GREATEST(start_hi, :from) <= LEAST(end_lo, :to) THEN 'bad'
              ELSE 'maybe' END AS what
  FROM cluster_encryption_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
told AS (
  SELECT p.cluster_namespace_arn,
         LISTAGG(DISTINCT e.evidence, ',') WITHIN GROUP (ORDER BY e.evidence) AS evidence,
         LISTAGG(DISTINCT e.event_name || ' ' || TO_CHAR(e.event_time, 'YYYY-MM-DD HH24:MI') || ' by '
                 || COALESCE(e.session_issuer_arn, e.actor_arn, e.invoked_by, 'somebody whom the event does not name'), '; ')
           WITHIN GROUP (ORDER BY e.event_name || ' ' || TO_CHAR(e.event_time, 'YYYY-MM-DD HH24:MI') || ' by '
                 || COALESCE(e.session_issuer_arn, e.actor_arn, e.invoked_by, 'somebody whom the event does not name')) AS who
  FROM present AS p
  JOIN encryption_facts AS e ON e.cluster_namespace_arn = p.cluster_namespace_arn
  WHERE p.what = 'bad'
    AND e.outcome <> 'failure' AND e.source <> 'state_diff'
    AND e.event_class IN ('cluster.created', 'cluster.restored', 'encryption.disabled', 'encryption.enabled')
    AND e.event_time <= COALESCE(p.end_hi, :to)
  GROUP BY p.cluster_namespace_arn
),
summed AS (
  SELECT cluster_namespace_arn,
         SUM(CASE WHEN what = 'bad' THEN 1 ELSE 0 END) AS bad,
         SUM(CASE WHEN what IN ('maybe', 'unsaid') THEN 1 ELSE 0 END) AS unclear,
         MIN(CASE WHEN what = 'bad' THEN start_hi END) AS bad_from,
         MAX(CASE WHEN what = 'bad' THEN end_lo END) AS bad_to,
         MAX(CASE WHEN what = 'bad' AND end_hi IS NULL THEN 1 ELSE 0 END) AS still,
         LISTAGG(CASE WHEN what <> 'good' OR age = 1 THEN evidence END, ',') WITHIN GROUP (ORDER BY start_hi) AS evidence
  FROM present
  GROUP BY cluster_namespace_arn
)
SELECT p.account_id, p.region, p.entity_type, p.cluster_namespace_arn AS entity, p.cluster_identifier AS entity_name,
       CASE WHEN s.bad > 0 THEN 'FAIL' WHEN s.unclear > 0 THEN 'UNKNOWN' ELSE 'PASS' END AS verdict,
       CASE WHEN s.bad > 0 THEN 'Not encrypted, as seen from ' || TO_CHAR(s.bad_from, 'YYYY-MM-DD HH24:MI')
              || CASE WHEN s.still = 1 THEN ' UTC until now. ' ELSE ' to ' || TO_CHAR(s.bad_to, 'YYYY-MM-DD HH24:MI') || ' UTC. ' END
              || COALESCE(t.who || '.', 'No event says who did it.')
            WHEN s.unclear > 0 THEN 'It was not encrypted around the edge of the window, or AWS did not say; the observations do not tell.'
            ELSE 'Encrypted in every observation of the window.' END AS reason,
       '[' || s.evidence || COALESCE(',' || t.evidence, '') || ']' AS evidence,
       s.bad_from AS since
FROM summed AS s
JOIN present AS p ON p.cluster_namespace_arn = s.cluster_namespace_arn AND p.age = 1
LEFT JOIN told AS t ON t.cluster_namespace_arn = s.cluster_namespace_arn
