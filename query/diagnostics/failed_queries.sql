-- title: Failed and cancelled queries
-- group: queries
-- severity: warning
-- question: Which queries were aborted, after how long, and with what error?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: queries shown, newest first
-- column cluster_id name: cluster that ran it
-- column query id: number of the query
-- column userid id: who ran it
-- column ended time: when it was aborted
-- column ran_s seconds: time until then, which was lost
-- column error text: what the same process logged while it ran; empty if nothing, as when a user cancels
-- column text text: beginning of the statement
-- chart bars: x=cluster_id,query y=ran_s
-- do: Queries without an error were cancelled: by their user, by a time-out, or by a rule of workload management (wlm_rule_actions).
-- do: Queries that fail again and again with the same error belong to a job that nobody watches: find its owner by userid.
WITH failed AS (
  SELECT cluster_id, query, userid, pid, starttime, endtime, querytxt
  FROM stl_query
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
    AND aborted <> 0
  ORDER BY endtime DESC, cluster_id, query
  LIMIT :top
),
reasons AS (
  SELECT failed.cluster_id, failed.query, MIN(BTRIM(stl_error.error)) AS error
  FROM failed
  JOIN stl_error ON stl_error.cluster_id = failed.cluster_id AND stl_error.pid = failed.pid
  WHERE stl_error.recordtime >= failed.starttime
    AND stl_error.recordtime <= DATEADD(second, 1, failed.endtime)
  GROUP BY failed.cluster_id, failed.query
)
SELECT failed.cluster_id,
       failed.query,
       failed.userid,
       DATE_TRUNC('second', failed.endtime) AS ended,
       ROUND(DATEDIFF(ms, failed.starttime, failed.endtime)::float8 / 1000, 1) AS ran_s,
       query_excerpt(reasons.error, 28) AS error,
       query_excerpt(failed.querytxt, 28) AS text
FROM failed
LEFT JOIN reasons ON reasons.cluster_id = failed.cluster_id AND reasons.query = failed.query
ORDER BY failed.endtime DESC, failed.cluster_id, failed.query
