-- title: Use of concurrency scaling
-- group: queues
-- severity: info
-- question: How many queries ran on concurrency scaling clusters each day, and for how long?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- param top int = 30: days shown, newest first
-- column cluster_id name: cluster
-- column day date: day on which they ended, UTC
-- column queries count: queries of users
-- column scaled count: those that ran on a concurrency scaling cluster
-- column scaled_pct percent: scaled as part of queries
-- column scaled_s seconds: time of these, from arrival to end
-- column refused count: queries that were considered for it and stayed on the main cluster for some reason
-- chart lines: x=day y=scaled_pct series=cluster_id
-- do: A cluster earns one free hour of concurrency scaling for every 24 hours that it runs; what goes beyond is charged by the second, so compare scaled_s with queue_pressure.
-- do: Steps of scaled queries are not in the STL tables: the other diagnostics do not see their spills and scans.
SELECT cluster_id,
       CAST(endtime AS DATE) AS day,
       COUNT(*) AS queries,
       SUM(CASE WHEN concurrency_scaling_status = 1 THEN 1 ELSE 0 END) AS scaled,
       ROUND(100 * SUM(CASE WHEN concurrency_scaling_status = 1 THEN 1 ELSE 0 END)::float8 / COUNT(*), 1) AS scaled_pct,
       ROUND(SUM(CASE WHEN concurrency_scaling_status = 1 THEN DATEDIFF(ms, starttime, endtime) ELSE 0 END)::float8 / 1000, 1) AS scaled_s,
       SUM(CASE WHEN concurrency_scaling_status > 1 THEN 1 ELSE 0 END) AS refused
FROM stl_query
WHERE (:from IS NULL OR endtime >= :from)
  AND (:to IS NULL OR endtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
  AND userid > 1
GROUP BY cluster_id, CAST(endtime AS DATE)
ORDER BY day DESC, cluster_id
LIMIT :top
