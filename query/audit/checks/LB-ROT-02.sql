-- id: LB-ROT-02
-- version: 1
-- title: Failed or stuck rotation
-- severity: high
-- question: Did a rotation of a cluster's encryption keys fail and was not repeated, or did one last too long?
-- needs: cluster_encryption_state/clusters, encryption_events/cloudtrail|trail_files, encryption_events/redshift_events
-- window: window
-- param repeat_days int = 7: days within which a rotation that failed must be repeated with success
-- param max_hours int = 4: hours that a cluster may be in rotating-keys
-- do: Check the grants and the state of the KMS key (LB-KEY-02, LB-KEY-08), then rotate again.
-- do: If the cluster stays in rotating-keys, open a case with AWS: it is not available.
WITH present AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi DESC) AS age
  FROM cluster_encryption_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
failures AS (
  SELECT cluster_namespace_arn, event_key, event_time, event_name, error_code, evidence
  FROM encryption_facts
  WHERE event_class = 'cek_rotation.failed' OR (event_class = 'cek_rotation.started' AND outcome = 'failure')
),
starts AS (
  SELECT e.cluster_namespace_arn, e.event_key, e.event_time, e.evidence, e.event_class, e.source,
         COALESCE(e.session_issuer_arn, e.actor_arn, e.invoked_by, 'somebody whom the event does not name') AS actor,
         COUNT(f.event_key) AS failures
  FROM encryption_facts AS e
  LEFT JOIN failures AS f
    ON f.cluster_namespace_arn = e.cluster_namespace_arn
   AND ((e.event_class = 'cek_rotation.started' AND f.event_time >= e.time_lo AND f.event_time < DATEADD(day, 1, e.event_time))
        OR (e.event_class = 'cek_rotation.completed' AND f.event_time > DATEADD(day, -1, e.event_time)
            AND f.event_time < DATEADD(day, 1, e.event_time)))
  WHERE e.event_class IN ('cek_rotation.started', 'cek_rotation.completed') AND e.outcome <> 'failure'
  GROUP BY e.cluster_namespace_arn, e.event_key, e.event_time, e.evidence, e.event_class, e.source, e.session_issuer_arn, e.actor_arn, e.invoked_by
),
repeated AS (
  SELECT f.cluster_namespace_arn, f.event_key, f.event_time, f.event_name, f.error_code, f.evidence, MIN(s.event_time) AS success
  FROM failures AS f
  LEFT JOIN starts AS s ON s.cluster_namespace_arn = f.cluster_namespace_arn AND s.failures = 0 AND s.event_time > f.event_time
  WHERE f.event_time >= :from AND f.event_time < :to
  GROUP BY f.cluster_namespace_arn, f.event_key, f.event_time, f.event_name, f.error_code, f.evidence
),
failed AS (
  SELECT cluster_namespace_arn,
         MAX(CASE WHEN DATEADD(day, CAST(:repeat_days AS BIGINT), event_time) < COALESCE(success, :as_of) THEN 1 ELSE 0 END) AS bad,
         MIN(event_time) AS since,
         LISTAGG('it failed ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' UTC (' || COALESCE(error_code, event_name) || ')'
                 || COALESCE(', with success again ' || TO_CHAR(success, 'YYYY-MM-DD HH24:MI'), ', and has not been repeated with success'), '; ')
           WITHIN GROUP (ORDER BY event_time, event_key) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY event_time, event_key) AS evidence
  FROM repeated
  GROUP BY cluster_namespace_arn
),
long AS (
  SELECT cluster_namespace_arn,
         MAX(CASE WHEN min_minutes > :max_hours * 60 THEN 1 ELSE 0 END) AS bad,
         MAX(CASE WHEN min_minutes <= :max_hours * 60 AND max_minutes > :max_hours * 60 THEN 1 ELSE 0 END) AS unclear,
         MIN(CASE WHEN min_minutes > :max_hours * 60 THEN start_hi END) AS since,
         LISTAGG('rotating-keys from ' || TO_CHAR(start_hi, 'YYYY-MM-DD HH24:MI') || ' UTC for ' || CAST(min_minutes AS VARCHAR) || ' to '
                 || CAST(max_minutes AS VARCHAR) || ' minutes' || CASE WHEN end_hi IS NULL THEN ', and still' ELSE '' END, '; ')
           WITHIN GROUP (ORDER BY start_hi) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY start_hi) AS evidence
  FROM cek_rotation_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
  GROUP BY cluster_namespace_arn
),
asked AS (
  SELECT cluster_namespace_arn,
         LISTAGG('asked for ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' UTC by ' || actor, '; ') WITHIN GROUP (ORDER BY event_time, event_key) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY event_time, event_key) AS evidence
  FROM starts
  WHERE event_class = 'cek_rotation.started' AND source <> 'state_diff' AND event_time >= :from AND event_time < :to
  GROUP BY cluster_namespace_arn
)
SELECT p.account_id, p.region, p.entity_type, p.cluster_namespace_arn AS entity, p.cluster_identifier AS entity_name,
       CASE WHEN p.deployment = 'serverless' THEN 'NOT_APPLICABLE'
            WHEN f.bad = 1 OR l.bad = 1 THEN 'FAIL'
            WHEN l.unclear = 1 THEN 'UNKNOWN'
            ELSE 'PASS' END AS verdict,
       CASE WHEN p.deployment = 'serverless' THEN 'Serverless has no rotation of its own keys.'
            WHEN f.story IS NULL AND l.story IS NULL AND a.story IS NULL THEN 'No rotation in the window.'
            ELSE 'Rotation: ' || COALESCE(a.story, 'no event says who asked for it') || COALESCE('; ' || f.story, '') || COALESCE('; ' || l.story, '') || '.' END AS reason,
       '[' || p.evidence || COALESCE(',' || f.evidence, '') || COALESCE(',' || l.evidence, '') || COALESCE(',' || a.evidence, '') || ']' AS evidence,
       CASE WHEN f.bad = 1 OR l.bad = 1
            THEN LEAST(CASE WHEN f.bad = 1 THEN f.since END, CASE WHEN l.bad = 1 THEN l.since END) END AS since
FROM present AS p
LEFT JOIN failed AS f ON f.cluster_namespace_arn = p.cluster_namespace_arn
LEFT JOIN long AS l ON l.cluster_namespace_arn = p.cluster_namespace_arn
LEFT JOIN asked AS a ON a.cluster_namespace_arn = p.cluster_namespace_arn
WHERE p.age = 1
