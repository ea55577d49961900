-- title: Queue pressure
-- question: In which hours and workload management queues do queries wait, compared with the time that they run?
-- param from timestamp: only queries that left their queue at or after this time
-- param to timestamp: only queries that left their queue before this time
-- param cluster text: only this cluster
-- param top int = 20: hours shown, longest waits first
SELECT cluster_id,
       service_class,
       DATE_TRUNC('hour', service_class_end_time) AS hour,
       COUNT(*) AS queries,
       ROUND(SUM(total_queue_time) / 1000000.0, 1) AS queue_s,
       ROUND(SUM(total_exec_time) / 1000000.0, 1) AS exec_s,
       ROUND(MAX(total_queue_time) / 1000000.0, 1) AS longest_queue_s,
       ROUND(100.0 * SUM(total_queue_time) / NULLIF(SUM(total_queue_time) + SUM(total_exec_time), 0), 1) AS queue_pct
FROM stl_wlm_query
WHERE (:from IS NULL OR service_class_end_time >= :from)
  AND (:to IS NULL OR service_class_end_time < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, service_class, DATE_TRUNC('hour', service_class_end_time)
ORDER BY queue_s DESC, cluster_id, service_class, hour
LIMIT :top
