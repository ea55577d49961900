-- id: LB-ROT-03
-- version: 1
-- title: What rotations cost
-- severity: medium
-- question: How long was each cluster rotating its keys, what failed meanwhile, and was it in the change window?
-- needs: cluster_encryption_state/clusters
-- window: window
-- param change_from text: beginning of the daily change window, UTC, as HH:MM; without it any time is allowed
-- param change_to text: end of the daily change window, UTC, as HH:MM
-- do: Rotate in the change window, and let the programs of the list wait for the cluster.
-- do: Failed connections and aborted queries are counted where stl_connection_log and stl_query are exported.
WITH present AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi DESC) AS age
  FROM cluster_encryption_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
rotations AS (
  SELECT *,
         TO_CHAR(start_hi, 'HH24:MI') AS began, TO_CHAR(end_lo, 'HH24:MI') AS ended,
         ROW_NUMBER() OVER (ORDER BY cluster_namespace_arn, start_hi) AS id
  FROM cek_rotation_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
known AS (
  SELECT DISTINCT cluster_namespace_arn, cluster_identifier FROM cluster_encryption_intervals
),
attempts AS (
  SELECT r.id, COUNT(*) AS failed
  FROM rotations AS r
  JOIN known AS k ON k.cluster_namespace_arn = r.cluster_namespace_arn
  JOIN stl_connection_log AS l ON SPLIT_PART(l.cluster_id, '@', 1) = k.cluster_identifier
  WHERE l.recordtime >= COALESCE(r.start_lo, r.start_hi) AND l.recordtime < COALESCE(r.end_hi, :to) AND l.event LIKE '%fail%'
  GROUP BY r.id
),
queries AS (
  SELECT r.id, COUNT(*) AS aborted
  FROM rotations AS r
  JOIN known AS k ON k.cluster_namespace_arn = r.cluster_namespace_arn
  JOIN stl_query AS q ON SPLIT_PART(q.cluster_id, '@', 1) = k.cluster_identifier
  WHERE q.endtime >= COALESCE(r.start_lo, r.start_hi) AND q.starttime < COALESCE(r.end_hi, :to) AND q.aborted = 1
  GROUP BY r.id
),
told AS (
  SELECT r.cluster_namespace_arn, r.start_hi, r.evidence,
         TO_CHAR(r.start_hi, 'YYYY-MM-DD HH24:MI') || ' UTC for ' || CAST(r.min_minutes AS VARCHAR) || ' to ' || CAST(r.max_minutes AS VARCHAR)
           || ' minutes; failed connections in the logs: ' || CAST(COALESCE(a.failed, 0) AS VARCHAR) || ', aborted queries: '
           || CAST(COALESCE(q.aborted, 0) AS VARCHAR) AS words,
         CASE WHEN :change_from IS NULL OR :change_to IS NULL THEN 0
              WHEN r.min_minutes >= 1440 THEN 1
              WHEN :change_from <= :change_to
                THEN CASE WHEN r.began >= :change_from AND r.began <= :change_to AND r.ended >= :change_from AND r.ended <= :change_to
                               AND r.ended >= r.began THEN 0 ELSE 1 END
              ELSE CASE WHEN (r.began >= :change_from OR r.began <= :change_to) AND (r.ended >= :change_from OR r.ended <= :change_to)
                         THEN 0 ELSE 1 END END AS outside
  FROM rotations AS r
  LEFT JOIN attempts AS a ON a.id = r.id
  LEFT JOIN queries AS q ON q.id = r.id
),
summed AS (
  SELECT cluster_namespace_arn, MAX(outside) AS bad, MIN(CASE WHEN outside = 1 THEN start_hi END) AS since,
         LISTAGG(words || CASE WHEN outside = 1 THEN ', outside the change window' ELSE '' END, '; ') WITHIN GROUP (ORDER BY start_hi) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY start_hi) AS evidence
  FROM told
  GROUP BY cluster_namespace_arn
)
SELECT p.account_id, p.region, p.entity_type, p.cluster_namespace_arn AS entity, p.cluster_identifier AS entity_name,
       CASE WHEN p.deployment = 'serverless' THEN 'NOT_APPLICABLE' WHEN s.bad = 1 THEN 'FAIL' ELSE 'PASS' END AS verdict,
       CASE WHEN p.deployment = 'serverless' THEN 'Serverless has no rotation of its own keys.'
            ELSE COALESCE('Rotating: ' || s.story || '.', 'No rotation in the window.') END AS reason,
       '[' || p.evidence || COALESCE(',' || s.evidence, '') || ']' AS evidence,
       s.since
FROM present AS p
LEFT JOIN summed AS s ON s.cluster_namespace_arn = p.cluster_namespace_arn
WHERE p.age = 1
