-- title: What ran
-- group: queries
-- severity: info
-- question: How many queries ended in the period, and how long did they wait and run?
-- param from timestamp: only what was at or after this time
-- param to timestamp: only what was before this time
-- param cluster text: only this cluster
-- column queries count: queries that ended
-- column aborted count: those that were aborted, by an error or by their user
-- column queue_s seconds: waiting in queues, all of them together
-- column exec_s seconds: running, all of them together
-- column longest_s seconds: the longest, from arrival to end
-- do: The dashboards by subject say which queries these are.
SELECT COALESCE(SUM(queries), 0) AS queries,
       COALESCE(SUM(aborted), 0) AS aborted,
       COALESCE(SUM(queue_us), 0)::float8 / 1000000 AS queue_s,
       COALESCE(SUM(exec_us), 0)::float8 / 1000000 AS exec_s,
       COALESCE(MAX(longest_us), 0)::float8 / 1000000 AS longest_s
FROM lookback_hourly_current
WHERE (:from IS NULL OR hour >= DATE_TRUNC('hour', :from))
  AND (:to IS NULL OR hour < :to)
  AND (:from IS NULL OR log_date >= CAST(:from AS DATE))
  AND (:to IS NULL OR log_date <= CAST(:to AS DATE))
  AND (:cluster IS NULL OR cluster_id = :cluster)
