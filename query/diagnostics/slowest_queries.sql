-- title: Slowest queries
-- group: queries
-- severity: info
-- question: Which queries took longest, how long did they wait in a queue first, and what do they say?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- param top int = 10: queries shown
-- column cluster_id name: cluster that ran it
-- column query id: number of the query; query_text and query_timeline tell more
-- column userid id: who ran it
-- column started time: when it arrived
-- column total_s seconds: from arrival to end
-- column queue_s seconds: part of that in queues of workload management; empty if it passed none
-- column text text: beginning of the statement
-- chart bars: x=cluster_id,query y=total_s
-- do: Take the slowest one that repeats. If most of its time is queue_s, the queue is short of slots and not the query slow: see queue_pressure.
-- do: Otherwise look at its steps with query_timeline, and at alerts_by_table and disk_spill for what went wrong in them.
WITH slow AS (
  SELECT cluster_id, query, userid, starttime, DATEDIFF(ms, starttime, endtime)::float8 / 1000 AS seconds, aborted, querytxt
  FROM stl_query
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  ORDER BY seconds DESC NULLS LAST, cluster_id, query
  LIMIT :top
)
SELECT slow.cluster_id,
       slow.query,
       slow.userid,
       DATE_TRUNC('second', slow.starttime) AS started,
       ROUND(slow.seconds, 1) AS total_s,
       ROUND(SUM(waits.total_queue_time)::float8 / 1000000, 1) AS queue_s,
       CASE WHEN slow.aborted <> 0 THEN '(aborted) ' ELSE '' END || query_excerpt(slow.querytxt, 40) AS text
FROM slow
LEFT JOIN stl_wlm_query waits ON waits.cluster_id = slow.cluster_id AND waits.query = slow.query
GROUP BY slow.cluster_id, slow.query, slow.userid, slow.starttime, slow.seconds, slow.aborted, slow.querytxt
ORDER BY slow.seconds DESC NULLS LAST, slow.cluster_id, slow.query
