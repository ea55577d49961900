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
spanned AS (
  SELECT *,
         ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn, account_id, n ORDER BY observed_at) AS place,
         MAX(observed_at) OVER (PARTITION BY cluster_namespace_arn, account_id, n ORDER BY observed_at
                                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_seen,
         COUNT(*) OVER (PARTITION BY cluster_namespace_arn, account_id, n ORDER BY observed_at
                        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS observations,
         MAX(DATEDIFF(microsecond, observed_at, next_at))
           OVER (PARTITION BY cluster_namespace_arn, account_id, n ORDER BY observed_at
                 ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS max_gap_us
  FROM numbered
),
-- How long the last state was still seen.
reach AS (
  SELECT collector, account_id, region, MAX(LEAST(window_to, :as_of)) AS looked_until
  FROM collection_runs
  WHERE collector IN ('clusters', 'serverless') AND status = 'ok' AND window_from < :as_of
  GROUP BY collector, account_id, region
),
-- A look that finds nothing new writes no row. The run that found a change says since when it had not looked, and the runs
-- before it how long the state before was still seen.
bounded AS (
  SELECT s.*, s.observed_at AS start_hi,
         GREATEST(s.previous_at,
                  CASE WHEN look.window_from <= s.observed_at AND look.looked_until > s.previous_at
                       THEN LEAST(look.looked_until, look.window_from) END) AS start_lo
  FROM spanned AS s
  LEFT JOIN collection_looks AS look
    ON look.run_id = s.run_id AND look.account_id = s.account_id
   AND look.collector = CASE WHEN s.deployment = 'serverless' THEN 'serverless' ELSE 'clusters' END
  WHERE s.place = 1
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
