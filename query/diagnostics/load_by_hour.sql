-- title: Load by hour of the day
-- group: queues
-- severity: info
-- question: At which hours of the day is each cluster busy, and at which is it free?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- column cluster_id name: cluster
-- column hour_of_day count: hour of the day in UTC, 0 to 23
-- column days count: days on which queries ended in that hour
-- column queries count: queries of users on all these days
-- column running_h hours: time of all of them together, from arrival to end
-- column longest_s seconds: the longest of them
-- chart heat: x=hour_of_day y=running_h series=cluster_id
-- do: Move batch jobs, VACUUM and ANALYZE into the free hours, and maintenance windows, too.
-- do: Hours that are free every day are hours in which a cluster can be paused.
SELECT cluster_id,
       CAST(DATE_PART(hour, endtime) AS BIGINT) AS hour_of_day,
       COUNT(DISTINCT CAST(endtime AS DATE)) AS days,
       COUNT(*) AS queries,
       ROUND(SUM(DATEDIFF(ms, starttime, endtime))::float8 / 3600000, 2) AS running_h,
       ROUND(MAX(DATEDIFF(ms, starttime, endtime))::float8 / 1000, 1) AS longest_s
FROM stl_query
WHERE (:from IS NULL OR endtime >= :from)
  AND (:to IS NULL OR endtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
  AND userid > 1
GROUP BY cluster_id, CAST(DATE_PART(hour, endtime) AS BIGINT)
ORDER BY cluster_id, hour_of_day
