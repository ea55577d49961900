-- Queries whose mean run takes at least half as long again as in the days before.
WITH sums AS (
  SELECT cluster_id,
         fingerprint,
         MIN(shape) AS shape,
         SUM(CASE WHEN log_date >= :first THEN timed ELSE 0 END) AS runs,
         SUM(CASE WHEN log_date >= :first THEN 0 ELSE timed END) AS earlier_runs,
         SUM(CASE WHEN log_date >= :first THEN elapsed_us ELSE 0 END)::float8 / 1000000 AS elapsed,
         SUM(CASE WHEN log_date >= :first THEN 0 ELSE elapsed_us END)::float8 / 1000000 AS earlier_elapsed
  FROM lookback_fingerprints_current
  WHERE log_date >= :earlier AND log_date <= :last
    AND :clusters
  GROUP BY 1, 2
),
means AS (
  SELECT cluster_id, fingerprint, shape, runs,
         earlier_elapsed / NULLIF(earlier_runs, 0) AS before_s,
         elapsed / NULLIF(runs, 0) AS after_s
  FROM sums
  WHERE runs >= 3 AND earlier_runs >= 3 AND earlier_elapsed > 0
)
SELECT cluster_id, fingerprint, shape, runs, before_s, after_s, after_s / NULLIF(before_s, 0) AS factor
FROM means
WHERE after_s >= 1.5 * before_s
ORDER BY runs * (after_s - before_s) DESC, cluster_id, fingerprint
LIMIT 15
