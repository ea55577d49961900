-- title: Slowest queries
-- question: Which queries took longest, how long did they wait in a queue first, and what do they say?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- param top int = 10: queries shown
WITH slow AS (
  SELECT cluster_id, query, userid, starttime, DATEDIFF(ms, starttime, endtime) / 1000.0 AS seconds, aborted, querytxt
  FROM stl_query
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  ORDER BY seconds DESC, cluster_id, query
  LIMIT :top
),
waits AS (
  SELECT cluster_id, query, SUM(total_queue_time) / 1000000.0 AS seconds
  FROM stl_wlm_query
  GROUP BY cluster_id, query
)
SELECT slow.cluster_id,
       slow.query,
       slow.userid,
       DATE_TRUNC('second', slow.starttime) AS started,
       ROUND(slow.seconds, 1) AS total_s,
       ROUND(waits.seconds, 1) AS queue_s,
       LEFT(CASE WHEN slow.aborted <> 0 THEN '(aborted) ' ELSE '' END
            || BTRIM(REGEXP_REPLACE(LEFT(slow.querytxt, 300), '[[:space:]]+', ' ', 'g')), 40) AS text
FROM slow
LEFT JOIN waits ON waits.cluster_id = slow.cluster_id AND waits.query = slow.query
ORDER BY slow.seconds DESC, slow.cluster_id, slow.query
