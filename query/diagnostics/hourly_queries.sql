-- title: Queries by hour
-- group: queries
-- severity: info
-- question: How many queries ran on each cluster in each hour, how many failed, and how long did the slow ones take?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- param rows int = 24: hours shown for each cluster, newest first
-- column cluster_id name: cluster that ran them
-- column hour time: hour in which they arrived
-- column queries count: queries
-- column errors count: queries that were aborted, by an error or by their user
-- column users count: different users
-- column median_s seconds: median from arrival to end, approximately
-- column p95_s seconds: 95 of 100 queries took no longer, approximately
-- column longest_s seconds: the longest query
-- chart lines: x=hour y=queries series=cluster_id
-- do: Look for hours in which p95_s rises and queries does not: something else slowed the cluster down (queue_pressure, hourly_alerts, loads).
-- do: Where both rise together, move jobs to quieter hours (load_by_hour), or turn on concurrency scaling for that queue.
WITH hours AS (
  SELECT cluster_id,
         DATE_TRUNC('hour', starttime) AS hour,
         COUNT(*) AS queries,
         SUM(CASE WHEN aborted <> 0 THEN 1 ELSE 0 END) AS errors,
         COUNT(DISTINCT userid) AS users,
         approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY DATEDIFF(ms, starttime, endtime)::float8 / 1000) AS median,
         approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY DATEDIFF(ms, starttime, endtime)::float8 / 1000) AS p95,
         MAX(DATEDIFF(ms, starttime, endtime))::float8 / 1000 AS longest
  FROM stl_query
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, DATE_TRUNC('hour', starttime)
)
SELECT cluster_id,
       hour,
       queries,
       errors,
       users,
       ROUND(median, 2) AS median_s,
       ROUND(p95, 2) AS p95_s,
       ROUND(longest, 2) AS longest_s
FROM hours
QUALIFY ROW_NUMBER() OVER (PARTITION BY cluster_id ORDER BY hour DESC) <= :rows
ORDER BY cluster_id, hour DESC
