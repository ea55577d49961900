-- shows: the intervals in which each cluster and Serverless namespace was in one state
-- source: cluster_encryption_state, and collection_runs for when it was looked at and nothing was new. It began in (start_lo, start_hi] and
-- source: ended in [end_lo, end_hi); without end_hi it is still so. `evidence` is the first row of the interval
WITH seen AS (
  SELECT *, CASE WHEN obs_kind = 'tombstone' THEN 'tombstone' ELSE state_hash END AS state,
         ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn, account_id, observed_at ORDER BY run_id) AS copy
  FROM cluster_encryption_state
  WHERE observed_at <= :as_of
),
neighbours AS (
  SELECT *,
         LAG(state) OVER (PARTITION BY cluster_namespace_arn, account_id ORDER BY observed_at) AS previous_state,
         LAG(observed_at) OVER (PARTITION BY cluster_namespace_arn, account_id ORDER BY observed_at) AS previous_at,
         LEAD(observed_at) OVER (PARTITION BY cluster_namespace_arn, account_id ORDER BY observed_at) AS next_at
  FROM seen
  WHERE copy = 1
),
numbered AS (
  SELECT *,
         SUM(CASE WHEN previous_at IS NULL OR (state IS DISTINCT FROM previous_state) THEN 1 ELSE 0 END)
           OVER (PARTITION BY cluster_namespace_arn, account_id ORDER BY observed_at ROWS UNBOUNDED PRECEDING) AS n
  FROM neighbours
),
spans AS (
  SELECT cluster_namespace_arn, account_id, n, MAX(observed_at) AS last_seen, COUNT(*) AS observations,
         MAX(DATEDIFF(microsecond, observed_at, next_at)) AS max_gap_us
  FROM numbered
  GROUP BY cluster_namespace_arn, account_id, n
),
firsts AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn, account_id, n ORDER BY observed_at) AS place
  FROM numbered
),
-- A look that finds nothing new writes no row. The run that found a change says since when it had not looked, and the runs
-- before it how long the state before was still seen.
looks AS (
  SELECT f.cluster_namespace_arn, f.account_id, f.n, MAX(LEAST(earlier.looked_until, own.window_from)) AS unchanged_until
  FROM firsts AS f
  JOIN collection_runs AS own ON own.run_id = f.run_id AND own.account_id = f.account_id
  JOIN collection_looks AS earlier
    ON earlier.collector = own.collector AND earlier.account_id = own.account_id AND earlier.region = own.region
   AND earlier.window_from = own.window_from
  WHERE f.place = 1
    AND own.collector IN ('clusters', 'serverless')
    AND own.window_from <= f.observed_at
    AND earlier.looked_until > f.previous_at
  GROUP BY f.cluster_namespace_arn, f.account_id, f.n
),
-- How long the last state was still seen.
reach AS (
  SELECT collector, account_id, region, MAX(LEAST(window_to, :as_of)) AS looked_until
  FROM collection_runs
  WHERE collector IN ('clusters', 'serverless') AND status = 'ok' AND window_from < :as_of
  GROUP BY collector, account_id, region
),
bounded AS (
  SELECT f.*, s.last_seen, s.observations, s.max_gap_us, f.observed_at AS start_hi,
         GREATEST(f.previous_at, l.unchanged_until) AS start_lo
  FROM firsts AS f
  JOIN spans AS s ON s.cluster_namespace_arn = f.cluster_namespace_arn AND s.account_id = f.account_id AND s.n = f.n
  LEFT JOIN looks AS l ON l.cluster_namespace_arn = f.cluster_namespace_arn AND l.account_id = f.account_id AND l.n = f.n
  WHERE f.place = 1
),
closed AS (
  SELECT *,
         LEAD(start_lo) OVER (PARTITION BY cluster_namespace_arn, account_id ORDER BY n) AS next_lo,
         LEAD(start_hi) OVER (PARTITION BY cluster_namespace_arn, account_id ORDER BY n) AS next_hi
  FROM bounded
)
SELECT c.* EXCLUDE (state, copy, previous_state, previous_at, next_at, n, place, last_seen, next_lo, next_hi),
       COALESCE(c.next_lo, GREATEST(c.last_seen, r.looked_until)) AS end_lo,
       c.next_hi AS end_hi,
       CASE WHEN c.deployment = 'serverless' THEN 'namespace' ELSE 'cluster' END AS entity_type,
       '{"table":"cluster_encryption_state","key":{"cluster_namespace_arn":"' || c.cluster_namespace_arn || '","observed_at":"'
         || TO_CHAR(c.observed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}}' AS evidence
FROM closed AS c
LEFT JOIN reach AS r
  ON r.account_id = c.account_id AND r.region = c.region
 AND r.collector = CASE WHEN c.deployment = 'serverless' THEN 'serverless' ELSE 'clusters' END
WHERE c.obs_kind <> 'tombstone'
