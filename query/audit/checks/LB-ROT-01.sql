-- id: LB-ROT-01
-- version: 1
-- title: Age of the cluster's own encryption keys
-- severity: high
-- question: When did each cluster last get new cluster and database encryption keys, by rotation, migration or restore?
-- needs: cluster_encryption_state/clusters, encryption_events/cloudtrail|trail_files
-- window: now
-- param max_age_days int = 365: oldest age
-- do: Rotate them with RotateEncryptionKey in a change window: the cluster is not available for some minutes to hours.
-- do: Rotation of the KMS key (LB-KEY-05) is another one, and changes nothing in the cluster.
WITH failures AS (
  SELECT cluster_namespace_arn, event_time
  FROM encryption_facts
  WHERE event_class = 'cek_rotation.failed' OR (event_class = 'cek_rotation.started' AND outcome = 'failure')
),
-- The call only begins a rotation: one that failed afterwards, or is not over, gave no new keys.
starts AS (
  SELECT e.cluster_namespace_arn, e.event_key, e.event_time, e.event_name, e.event_class, e.evidence,
         COUNT(f.event_time) AS failed, COUNT(r.start_hi) AS unfinished
  FROM encryption_facts AS e
  LEFT JOIN failures AS f
    ON f.cluster_namespace_arn = e.cluster_namespace_arn
   AND ((e.event_class = 'cek_rotation.started' AND f.event_time >= e.time_lo AND f.event_time < DATEADD(day, 1, e.event_time))
        OR (e.event_class = 'cek_rotation.completed' AND f.event_time > DATEADD(day, -1, e.event_time)
            AND f.event_time < DATEADD(day, 1, e.event_time)))
  LEFT JOIN cek_rotation_intervals AS r
    ON e.event_class = 'cek_rotation.started' AND r.cluster_namespace_arn = e.cluster_namespace_arn
   AND r.end_hi IS NULL AND r.start_hi >= e.event_time
  WHERE e.outcome <> 'failure'
    -- What was only seen to change is told by CloudTrail with who did it; that a cluster appeared says nothing about its keys.
    AND e.source <> 'state_diff'
    AND e.event_class IN ('cek_rotation.started', 'cek_rotation.completed', 'encryption.enabled', 'encryption.key_changed',
                          'cluster.created', 'cluster.restored')
  GROUP BY e.cluster_namespace_arn, e.event_key, e.event_time, e.event_name, e.event_class, e.evidence
),
renewals AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY event_time DESC, event_key) AS age
  FROM starts
  WHERE failed = 0 AND unfinished = 0
),
-- A rotation that nobody told of may hide where nobody read the trail: before the earliest evidence, or in more than 2 % of the time.
reads AS (
  SELECT account_id, region, GREATEST(window_from, DATEADD(day, CAST(-1 * :max_age_days AS BIGINT), :as_of)) AS window_from,
         LEAST(window_to, :as_of) AS window_to
  FROM collection_runs
  WHERE collector IN ('cloudtrail', 'trail_files') AND status = 'ok'
    AND window_from < :as_of AND window_to > DATEADD(day, CAST(-1 * :max_age_days AS BIGINT), :as_of)
),
ordered AS (
  SELECT *,
         MAX(window_to) OVER (PARTITION BY account_id, region ORDER BY window_from, window_to ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM reads
),
unread AS (
  SELECT account_id, region, MIN(window_from) AS earliest,
         MIN(window_from) > DATEADD(day, CAST(-1 * :max_age_days AS BIGINT), :as_of) AS too_late,
         SUM(CASE WHEN window_from > before THEN DATEDIFF(minute, before, window_from) ELSE 0 END)
           + DATEDIFF(minute, MAX(window_to), :as_of) AS minutes
  FROM ordered
  GROUP BY account_id, region
),
judged AS (
  SELECT c.*, r.event_name, r.event_time, r.evidence AS event_evidence, u.earliest, u.minutes, u.too_late,
         GREATEST(c.create_time, r.event_time) AS renewed,
         CASE WHEN c.deployment = 'serverless' THEN 'serverless'
              WHEN NOT c.encrypted THEN 'open'
              WHEN c.encrypted IS NULL OR c.create_time IS NULL THEN 'unsaid'
              WHEN DATEDIFF(second, GREATEST(c.create_time, r.event_time), :as_of) <= :max_age_days * 86400 THEN 'young'
              WHEN u.minutes IS NULL OR u.too_late OR u.minutes > :max_age_days * 1440 * 0.02 THEN 'unread'
              ELSE 'old' END AS what
  FROM cluster_encryption_latest AS c
  LEFT JOIN renewals AS r ON r.cluster_namespace_arn = c.cluster_namespace_arn AND r.age = 1
  LEFT JOIN unread AS u ON u.account_id = c.account_id AND u.region = c.region
)
SELECT account_id, region, entity_type, cluster_namespace_arn AS entity, cluster_identifier AS entity_name,
       CASE what WHEN 'young' THEN 'PASS' WHEN 'old' THEN 'FAIL' WHEN 'unread' THEN 'UNKNOWN' WHEN 'unsaid' THEN 'UNKNOWN' ELSE 'NOT_APPLICABLE' END AS verdict,
       CASE what
         WHEN 'serverless' THEN 'Serverless has no rotation of its own keys.'
         WHEN 'open' THEN 'Not encrypted, so there are no keys to rotate.'
         WHEN 'unsaid' THEN 'AWS did not say whether it is encrypted, or when it was created.'
         WHEN 'unread' THEN 'No new keys since ' || TO_CHAR(renewed, 'YYYY-MM-DD') || ' are known, but CloudTrail was read only since '
           || COALESCE(TO_CHAR(earliest, 'YYYY-MM-DD'), 'never') || ' or with holes.'
         ELSE 'The keys are ' || CAST(DATEDIFF(day, renewed, :as_of) AS VARCHAR) || ' days old, since '
           || CASE WHEN event_time >= create_time THEN event_name ELSE 'the creation of the cluster' END || ' ' || TO_CHAR(renewed, 'YYYY-MM-DD')
           || '; ' || CAST(:max_age_days AS VARCHAR) || ' are allowed.' END AS reason,
       '[' || evidence || COALESCE(',' || event_evidence, '') || ']' AS evidence,
       CASE WHEN what = 'old' THEN DATEADD(day, CAST(:max_age_days AS BIGINT), renewed) END AS since
FROM judged
