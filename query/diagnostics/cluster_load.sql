-- title: Size and idle hours of the clusters
-- group: queues
-- severity: info
-- question: In how many hours does nobody use a cluster, and how many queries are under way at once in the others?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- param top int = 50: clusters shown, most idle first
-- column cluster_id name: cluster
-- column first_day date: day of the first query in the period, UTC
-- column last_day date: day of the last one
-- column hours count: hours from the first query's to the last one's
-- column idle_hours count: hours in which no query of a user ended
-- column idle_pct percent: idle_hours as part of hours
-- column mean_running factor: queries waiting or running at once, mean over the hours that are not idle
-- column peak_running factor: the same in the busiest hour
-- column queries count: queries of users
-- chart bars: x=cluster_id y=idle_pct
-- do: A cluster that is idle most of the time can be paused on a schedule, merged with another one, or become a serverless workgroup.
-- do: mean_running below 1 with a low peak_running means that fewer or smaller nodes do; a peak far above the mean is a case for concurrency scaling rather than for more nodes.
-- do: Queries that run longer than an hour count in the hour in which they end, so compare with hourly_queries before you resize.
WITH hours AS (
  SELECT cluster_id,
         DATE_TRUNC('hour', endtime) AS hour,
         COUNT(*) AS queries,
         SUM(DATEDIFF(ms, starttime, endtime))::float8 / 3600000 AS running
  FROM stl_query
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
    AND userid > 1
  GROUP BY cluster_id, DATE_TRUNC('hour', endtime)
),
clusters AS (
  SELECT cluster_id,
         MIN(hour) AS first_hour,
         MAX(hour) AS last_hour,
         DATEDIFF(hour, MIN(hour), MAX(hour)) + 1 AS hours,
         COUNT(*) AS busy,
         AVG(running) AS mean_running,
         MAX(running) AS peak_running,
         SUM(queries) AS queries
  FROM hours
  GROUP BY cluster_id
)
SELECT cluster_id,
       CAST(first_hour AS DATE) AS first_day,
       CAST(last_hour AS DATE) AS last_day,
       hours,
       hours - busy AS idle_hours,
       ROUND(100 * (hours - busy)::float8 / hours, 1) AS idle_pct,
       ROUND(mean_running, 2) AS mean_running,
       ROUND(peak_running, 2) AS peak_running,
       queries
FROM clusters
ORDER BY idle_pct DESC, cluster_id
LIMIT :top
