-- title: Queue pressure
-- group: queues
-- severity: warning
-- question: In which hours and workload management queues do queries wait, compared with the time that they run?
-- param from timestamp: only queries that left their queue at or after this time
-- param to timestamp: only queries that left their queue before this time
-- param cluster text: only this cluster
-- param top int = 20: hours shown, longest waits first
-- column cluster_id name: cluster
-- column service_class id: queue: 5 is the superuser's, 6 to 13 manual ones, 14 short queries, 100 to 107 automatic ones
-- column hour time: hour in which the queries left the queue
-- column queries count: queries
-- column queue_s seconds: waiting of all of them together
-- column exec_s seconds: running of all of them together
-- column longest_queue_s seconds: the longest wait
-- column queue_pct percent: waiting as part of waiting and running
-- chart heat: x=hour y=queue_s series=cluster_id,service_class
-- do: A queue that waits in the same hours every day needs slots in these hours: a schedule for its priority, concurrency scaling, or jobs at other times.
-- do: queued_queries shows who waits, and costs shows who fills the queue.
SELECT cluster_id,
       service_class,
       DATE_TRUNC('hour', service_class_end_time) AS hour,
       COUNT(*) AS queries,
       ROUND(SUM(total_queue_time)::float8 / 1000000, 1) AS queue_s,
       ROUND(SUM(total_exec_time)::float8 / 1000000, 1) AS exec_s,
       ROUND(MAX(total_queue_time)::float8 / 1000000, 1) AS longest_queue_s,
       ROUND(100 * SUM(total_queue_time)::float8 / NULLIF(SUM(total_queue_time) + SUM(total_exec_time), 0), 1) AS queue_pct
FROM stl_wlm_query
WHERE (:from IS NULL OR service_class_end_time >= :from)
  AND (:to IS NULL OR service_class_end_time < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, service_class, DATE_TRUNC('hour', service_class_end_time)
ORDER BY queue_s DESC, cluster_id, service_class, hour
LIMIT :top
