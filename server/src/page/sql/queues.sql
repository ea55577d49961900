-- Waiting and running by queue of workload management and step.
SELECT cluster_id,
       service_class,
       :at AS at,
       SUM(wlm_queries) AS queries,
       SUM(queue_us) AS queue_us,
       SUM(exec_us) AS exec_us
FROM lookback_hourly_current
WHERE service_class IS NOT NULL
  AND log_date >= :first AND log_date <= :last
  AND hour >= :from AND hour < :to
  AND :clusters
GROUP BY 1, 2, 3
ORDER BY 3, 1, 2
