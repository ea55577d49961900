-- Queries, page by page.
WITH found AS (
  SELECT cluster_id, query, userid, "database", starttime, endtime, aborted,
         CASE WHEN starttime > '2000-01-01 00:00:00' AND endtime >= starttime THEN DATEDIFF(us, starttime, endtime) END AS elapsed_us,
         query_excerpt(querytxt, 220) AS text
  FROM stl_query
  WHERE endtime >= :from AND endtime < :to
    AND :clusters
    AND :wanted
  ORDER BY :order, cluster_id, query
  LIMIT :limit OFFSET :offset
),
waits AS (
  SELECT cluster_id, query, SUM(total_queue_time) AS queue_us
  FROM stl_wlm_query
  WHERE service_class_end_time >= DATEADD(day, -1, :from) AND service_class_end_time < DATEADD(day, 1, :to)
    AND :clusters
  GROUP BY cluster_id, query
)
SELECT found.cluster_id, found.query, found.userid, found."database", found.starttime, found.endtime, found.aborted,
       found.elapsed_us, waits.queue_us, found.text
FROM found
LEFT JOIN waits ON waits.cluster_id = found.cluster_id AND waits.query = found.query
ORDER BY :order, found.cluster_id, found.query
