-- title: Waiting by hour
-- group: queries
-- severity: info
-- question: How long do queries wait in queues in each hour, on each cluster?
-- param from timestamp: only what was at or after this time
-- param to timestamp: only what was before this time
-- param cluster text: only this cluster
-- column hour time: hour in which the queries ended
-- column cluster_id name: cluster
-- column queue_s seconds: waiting in queues, all queries together
-- chart lines: x=hour y=queue_s series=cluster_id
-- do: Mark a peak with the mouse to narrow the time range down to it, then look at the dashboards by subject.
SELECT hour, cluster_id, SUM(queue_us)::float8 / 1000000 AS queue_s
FROM lookback_hourly_current
WHERE (:from IS NULL OR hour >= DATE_TRUNC('hour', :from))
  AND (:to IS NULL OR hour < :to)
  AND (:from IS NULL OR log_date >= CAST(:from AS DATE))
  AND (:to IS NULL OR log_date <= CAST(:to AS DATE))
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY hour, cluster_id
ORDER BY hour, cluster_id
