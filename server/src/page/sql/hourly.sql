-- What ran, waited and was scanned, by cluster and step.
SELECT cluster_id,
       :at AS at,
       SUM(queries) AS queries,
       SUM(aborted) AS aborted,
       SUM(timed) AS timed,
       SUM(elapsed_us) AS elapsed_us,
       SUM(under_1s) AS under_1s,
       SUM(under_10s) AS under_10s,
       SUM(under_1m) AS under_1m,
       SUM(under_10m) AS under_10m,
       SUM(queue_us) AS queue_us,
       SUM(exec_us) AS exec_us,
       SUM(scan_bytes) AS scan_bytes
FROM lookback_hourly_current
WHERE log_date >= :first AND log_date <= :last
  AND hour >= :from AND hour < :to
  AND :clusters
GROUP BY 1, 2
ORDER BY 2, 1
