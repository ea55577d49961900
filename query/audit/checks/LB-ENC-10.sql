-- id: LB-ENC-10
-- version: 1
-- title: Migration to encryption finished
-- severity: medium
-- question: Did every cluster that was to be encrypted get there, proven by an encrypted snapshot taken since?
-- needs: encryption_events/cloudtrail|trail_files, snapshot_encryption_state/snapshots, cluster_encryption_state/clusters
-- window: window
-- param max_hours int = 72: hours that a migration may take until its first encrypted snapshot
-- do: Look at the cluster's status and its events; a resize that hangs must be cancelled or finished before the data is encrypted.
-- do: Take a manual snapshot: its Encrypted flag is the proof that the migration is over.
WITH asked AS (
  SELECT c.cluster_namespace_arn, c.create_time, e.event_time, e.evidence,
         COALESCE(e.session_issuer_arn, e.actor_arn, e.invoked_by, 'somebody whom the event does not name') AS actor,
         ROW_NUMBER() OVER (PARTITION BY c.cluster_namespace_arn ORDER BY e.event_time DESC, e.event_key) AS age
  FROM cluster_encryption_latest AS c
  JOIN encryption_facts AS e ON e.cluster_namespace_arn = c.cluster_namespace_arn
  WHERE e.event_class = 'encryption.enabled' AND e.outcome <> 'failure' AND e.source <> 'state_diff' AND e.event_time < :to
),
proofs AS (
  SELECT a.cluster_namespace_arn, s.evidence, s.snapshot_identifier,
         ROW_NUMBER() OVER (PARTITION BY a.cluster_namespace_arn ORDER BY s.start_hi, s.snapshot_arn) AS place
  FROM asked AS a
  JOIN snapshot_encryption_intervals AS s
    ON s.cluster_namespace_arn = a.cluster_namespace_arn
    OR (s.cluster_namespace_arn IS NULL AND s.cluster_create_time = a.create_time)
  WHERE a.age = 1 AND s.encrypted AND s.snapshot_create_time > a.event_time AND COALESCE(s.status, 'available') = 'available'
),
reach AS (
  SELECT account_id, region, MAX(LEAST(window_to, :as_of)) AS looked_until
  FROM collection_runs
  WHERE collector = 'snapshots' AND status = 'ok' AND window_from < :as_of
  GROUP BY account_id, region
),
judged AS (
  SELECT c.*, a.event_time, a.evidence AS event_evidence, a.actor, p.evidence AS proof, p.snapshot_identifier AS proven_by,
         DATEDIFF(hour, a.event_time, :as_of) AS hours,
         CASE WHEN a.event_time IS NULL THEN 'none'
              WHEN p.evidence IS NOT NULL THEN 'done'
              WHEN DATEADD(hour, CAST(:max_hours AS BIGINT), a.event_time) >= :as_of THEN 'running'
              WHEN r.looked_until >= DATEADD(hour, CAST(:max_hours AS BIGINT), a.event_time) THEN 'late'
              ELSE 'unseen' END AS what
  FROM cluster_encryption_latest AS c
  LEFT JOIN asked AS a ON a.cluster_namespace_arn = c.cluster_namespace_arn AND a.age = 1
  LEFT JOIN proofs AS p ON p.cluster_namespace_arn = c.cluster_namespace_arn AND p.place = 1
  LEFT JOIN reach AS r ON r.account_id = c.account_id AND r.region = c.region
)
SELECT account_id, region, entity_type, cluster_namespace_arn AS entity, cluster_identifier AS entity_name,
       CASE what WHEN 'late' THEN 'FAIL' WHEN 'unseen' THEN 'UNKNOWN' ELSE 'PASS' END AS verdict,
       CASE what
         WHEN 'none' THEN 'No migration to encryption is known.'
         WHEN 'done' THEN 'Asked for ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' by ' || actor || '; finished, as the encrypted snapshot '
           || proven_by || ' shows.'
         WHEN 'running' THEN 'Asked for ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' by ' || actor || ', ' || CAST(hours AS VARCHAR)
           || ' hours ago; there is no encrypted snapshot yet, and time is left.'
         WHEN 'late' THEN 'Asked for ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' by ' || actor || ', ' || CAST(hours AS VARCHAR)
           || ' hours ago, and there is still no encrypted snapshot; the cluster is ' || COALESCE(cluster_status, 'of unknown status') || '.'
         ELSE 'Asked for ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || '; since then nobody looked for its snapshots long enough.' END AS reason,
       '[' || evidence || COALESCE(',' || event_evidence, '') || COALESCE(',' || proof, '') || ']' AS evidence,
       event_time AS since
FROM judged
