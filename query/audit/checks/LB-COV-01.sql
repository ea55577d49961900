-- id: LB-COV-01
-- version: 1
-- title: Coverage of the evidence
-- severity: high
-- question: Which part of the window did nobody look at, what was refused, and what is about to be lost?
-- needs: collection_runs
-- window: window
-- param max_gap_minutes int = 45: longest time without a look; three times the time between two
-- param cloudtrail_days int = 80: days without reading CloudTrail at which its 90 days are about to end
-- param events_days int = 10: days without reading events of Redshift at which their 14 days are about to end
-- do: Let the collector run again; LookupEvents still has 90 days and DescribeEvents 14, present states of the past are lost.
-- do: Give the collector's role the permission that is named, and the key's policy too if it is about a key.
WITH places AS (
  SELECT DISTINCT collector, account_id, region FROM collection_runs WHERE started_at < :as_of OR window_from < :as_of
),
reads AS (
  SELECT run_id, collector, account_id, region, GREATEST(window_from, :from) AS window_from, LEAST(window_to, :to) AS window_to,
         MAX(LEAST(window_to, :to)) OVER (PARTITION BY collector, account_id, region ORDER BY window_from, window_to, run_id
                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM collection_runs
  WHERE status IN ('ok', 'partial') AND window_from < :to AND window_to > :from
),
holes AS (
  SELECT collector, account_id, region, COALESCE(before, :from) AS hole_from, window_from AS hole_to
  FROM reads
  WHERE window_from > COALESCE(before, :from)
  UNION ALL
  SELECT p.collector, p.account_id, p.region, COALESCE(MAX(r.window_to), :from), :to
  FROM places AS p
  LEFT JOIN reads AS r ON r.collector = p.collector AND r.account_id = p.account_id AND r.region = p.region
  GROUP BY p.collector, p.account_id, p.region
  HAVING COALESCE(MAX(r.window_to), :from) < :to
),
longest AS (
  SELECT *, DATEDIFF(minute, hole_from, hole_to) AS minutes,
         ROW_NUMBER() OVER (PARTITION BY collector, account_id, region ORDER BY DATEDIFF(minute, hole_from, hole_to) DESC, hole_from) AS place
  FROM holes
),
-- Runs that say themselves what was lost or refused, and one that was read.
rows_of AS (
  SELECT *,
         '{"table":"collection_runs","key":{"run_id":"' || run_id || '"}}' AS evidence,
         status IN ('gap', 'failed') OR COALESCE(access_errors, '[]') NOT IN ('[]', '') AS telling,
         ROW_NUMBER() OVER (PARTITION BY collector, account_id, region,
                                         status IN ('gap', 'failed') OR COALESCE(access_errors, '[]') NOT IN ('[]', '')
                            ORDER BY window_to DESC, run_id) AS place
  FROM (SELECT DISTINCT run_id, collector, account_id, region, started_at, status, window_from, window_to, access_errors, error
        FROM collection_runs) AS runs
  WHERE COALESCE(window_from, started_at) < :to AND COALESCE(window_to, started_at) > :from
),
said AS (
  SELECT collector, account_id, region,
         MAX(CASE WHEN COALESCE(access_errors, '[]') NOT IN ('[]', '') THEN access_errors END) AS denied,
         MAX(error) AS error,
         LISTAGG(CASE WHEN place <= CASE WHEN telling THEN 20 ELSE 1 END THEN evidence END, ',') WITHIN GROUP (ORDER BY window_to DESC, run_id) AS evidence
  FROM rows_of
  GROUP BY collector, account_id, region
),
watermarks AS (
  SELECT collector, account_id, region, MAX(LEAST(window_to, :as_of)) AS read_until, MAX(run_id) AS any_run
  FROM collection_runs
  WHERE status IN ('ok', 'partial') AND window_from < :as_of
  GROUP BY collector, account_id, region
),
judged AS (
  SELECT p.collector, p.account_id, p.region, l.minutes, l.hole_from, l.hole_to, s.denied, s.error, s.evidence, w.read_until, w.any_run,
         CASE WHEN l.minutes > :max_gap_minutes THEN 1 ELSE 0 END AS has_hole,
         CASE WHEN s.denied IS NOT NULL THEN 1 ELSE 0 END AS was_denied,
         CASE WHEN p.collector = 'cloudtrail' AND DATEDIFF(day, COALESCE(w.read_until, TIMESTAMP '1970-01-01 00:00:00'), :as_of) > :cloudtrail_days THEN 1
              WHEN p.collector = 'redshift_events' AND DATEDIFF(day, COALESCE(w.read_until, TIMESTAMP '1970-01-01 00:00:00'), :as_of) > :events_days THEN 1
              ELSE 0 END AS expiring
  FROM places AS p
  LEFT JOIN longest AS l ON l.collector = p.collector AND l.account_id = p.account_id AND l.region = p.region AND l.place = 1
  LEFT JOIN said AS s ON s.collector = p.collector AND s.account_id = p.account_id AND s.region = p.region
  LEFT JOIN watermarks AS w ON w.collector = p.collector AND w.account_id = p.account_id AND w.region = p.region
),
undescribed AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY kms_key_arn ORDER BY start_hi DESC) AS age
  FROM kms_key_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from) AND key_state IS NULL
)
SELECT account_id, region, 'collector' AS entity_type, account_id || '/' || region || '/' || collector AS entity, collector AS entity_name,
       CASE WHEN has_hole + was_denied + expiring > 0 THEN 'FAIL' ELSE 'PASS' END AS verdict,
       BTRIM(CASE WHEN has_hole + was_denied + expiring = 0 THEN 'Looked at all through the window.'
            ELSE CASE WHEN has_hole = 1 THEN 'Nobody looked for ' || CAST(minutes AS VARCHAR) || ' minutes, from ' || TO_CHAR(hole_from, 'YYYY-MM-DD HH24:MI')
                        || ' to ' || TO_CHAR(hole_to, 'YYYY-MM-DD HH24:MI') || ' UTC' || COALESCE(' (' || error || ')', '') || '. ' ELSE '' END
                 || CASE WHEN was_denied = 1 THEN COALESCE(JSON_EXTRACT_PATH_TEXT(JSON_EXTRACT_ARRAY_ELEMENT_TEXT(denied, 0, true), 'call', true), 'A call')
                        || ' was refused; grant '
                        || COALESCE(JSON_EXTRACT_PATH_TEXT(JSON_EXTRACT_ARRAY_ELEMENT_TEXT(denied, 0, true), 'grant', true), 'it') || '. ' ELSE '' END
                 || CASE WHEN expiring = 1 THEN 'Read only until ' || COALESCE(TO_CHAR(read_until, 'YYYY-MM-DD'), 'never')
                        || ': AWS forgets the rest soon. ' ELSE '' END END) AS reason,
       '[' || COALESCE(NULLIF(evidence, ''), '{"table":"collection_runs","key":{"run_id":"' || any_run || '"}}', '') || ']' AS evidence,
       CASE WHEN has_hole = 1 THEN hole_from END AS since
FROM judged
UNION ALL
SELECT u.account_id, u.region, 'kms_key', u.kms_key_arn, SPLIT_PART(u.kms_key_arn, '/', 2), 'FAIL',
       'The key could not be described' || COALESCE(' (' || u.access_error || ')', '') || ': nothing is known of its state, its manager or its rotation.',
       '[' || u.evidence || COALESCE(',' || k.evidence, '') || ']', u.start_hi
FROM undescribed AS u
LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = u.kms_key_arn
WHERE u.age = 1
