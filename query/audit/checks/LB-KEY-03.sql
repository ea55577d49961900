-- id: LB-KEY-03
-- version: 1
-- title: A key that is still needed is to be deleted
-- severity: critical
-- question: Is a key scheduled for deletion although clusters, snapshots, copy grants, secrets or the lake still need it, and how many days are left?
-- needs: kms_key_state/keys, cluster_encryption_state/clusters, snapshot_encryption_state/snapshots
-- window: now
-- param lake_keys text: ARNs of the keys that the files of the lake are under, separated by commas; without it, those of the configuration
-- do: Cancel the deletion (kms:CancelKeyDeletion), enable the key, then move or delete what is under it. After the deletion nothing under it can be read again.
WITH lake AS (
  SELECT SPLIT_PART(REPLACE(:lake_keys, ' ', ''), ',', CAST(g.value AS INTEGER)) AS kms_key_arn
  FROM generate_series(1, 1000) AS g
),
needed AS (
  SELECT kms_key_arn, account_id, used_for, used_by, used_by_name, evidence FROM kms_key_references
  UNION ALL
  SELECT kms_key_arn, SPLIT_PART(kms_key_arn, ':', 5), 'files of the lake', 'lake', 'lake', NULL FROM lake WHERE kms_key_arn <> ''
),
used AS (
  SELECT kms_key_arn, MIN(account_id) AS account_id, COUNT(DISTINCT used_by) AS users,
         LEFT(LISTAGG(DISTINCT used_by_name, ', ') WITHIN GROUP (ORDER BY used_by_name), 300) AS names
  FROM needed
  GROUP BY kms_key_arn
),
named AS (
  SELECT kms_key_arn, LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY used_by) AS evidence
  FROM (SELECT kms_key_arn, used_by, evidence, ROW_NUMBER() OVER (PARTITION BY kms_key_arn ORDER BY used_by, used_for) AS place
        FROM needed
        WHERE evidence IS NOT NULL) AS ordered
  WHERE place <= 50
  GROUP BY kms_key_arn
),
told AS (
  SELECT kms_key_arn, MAX(event_time) AS since, MAX(evidence) AS evidence,
         MAX(COALESCE(session_issuer_arn, actor_arn, invoked_by)) AS actor
  FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY kms_key_arn ORDER BY event_time DESC, event_key) AS age
        FROM encryption_facts
        WHERE event_class = 'key_state.deletion_scheduled' AND outcome <> 'failure' AND source <> 'state_diff') AS scheduled
  WHERE age = 1
  GROUP BY kms_key_arn
)
SELECT COALESCE(k.account_id, u.account_id) AS account_id, COALESCE(k.region, SPLIT_PART(u.kms_key_arn, ':', 4)) AS region,
       'kms_key' AS entity_type, u.kms_key_arn AS entity,
       COALESCE(NULLIF(REPLACE(k.alias, 'alias/', ''), ''), SPLIT_PART(u.kms_key_arn, '/', 2)) AS entity_name,
       CASE WHEN k.key_state IN ('PendingDeletion', 'PendingReplicaDeletion') THEN 'FAIL'
            WHEN k.key_state IS NULL THEN 'UNKNOWN'
            ELSE 'PASS' END AS verdict,
       CASE WHEN k.key_state IN ('PendingDeletion', 'PendingReplicaDeletion')
              THEN 'To be deleted ' || COALESCE(TO_CHAR(k.deletion_date, 'YYYY-MM-DD HH24:MI') || ' UTC, in '
                     || CAST(DATEDIFF(day, :as_of, k.deletion_date) AS VARCHAR) || ' days', 'when its replicas are gone')
                   || COALESCE(', scheduled by ' || t.actor, '')
            WHEN k.access_error IS NOT NULL THEN 'The state of the key could not be read (' || k.access_error || ')'
            WHEN k.key_state IS NULL THEN 'The key was never described'
            ELSE 'Not to be deleted' END
         || '; ' || CAST(u.users AS VARCHAR) || CASE WHEN u.users = 1 THEN ' needs it: ' ELSE ' need it: ' END || u.names || '.' AS reason,
       '[' || COALESCE(k.evidence, '') || CASE WHEN k.evidence IS NOT NULL AND n.evidence IS NOT NULL THEN ',' ELSE '' END
         || COALESCE(n.evidence, '')
         || CASE WHEN k.key_state LIKE 'Pending%Deletion' THEN COALESCE(',' || t.evidence, '') ELSE '' END || ']' AS evidence,
       CASE WHEN k.key_state LIKE 'Pending%Deletion' THEN t.since END AS since
FROM used AS u
LEFT JOIN named AS n ON n.kms_key_arn = u.kms_key_arn
LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = u.kms_key_arn
LEFT JOIN told AS t ON t.kms_key_arn = u.kms_key_arn
