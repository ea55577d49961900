-- Queries that differ in nothing but constants, by the time of all runs.
SELECT cluster_id,
       fingerprint,
       MIN(shape) AS shape,
       SUM(runs) AS runs,
       SUM(aborted) AS aborted,
       SUM(timed) AS timed,
       SUM(elapsed_us) AS elapsed_us,
       MAX(longest_us) AS longest_us,
       SUM(queue_us) AS queue_us,
       MIN(example_query) AS example_query
FROM lookback_fingerprints_current
WHERE log_date >= :first AND log_date <= :last
  AND :clusters
GROUP BY 1, 2
ORDER BY SUM(elapsed_us) DESC, 1, 2
LIMIT 15
