-- One row for each query, with its time in queues. Query ids are those of one cluster: join over cluster_id as well.
WITH waits AS (
  SELECT cluster_id,
         query,
         MAX(service_class) AS service_class,
         SUM(total_queue_time) / 1e6 AS queue_s,
         SUM(total_exec_time) / 1e6 AS exec_s
  FROM ${database}."stl_wlm_query"
  GROUP BY cluster_id, query
)
SELECT q.cluster_id,
       q.log_date,
       q.query,
       q.userid,
       q.xid,
       q.pid,
       q."database",
       q.label,
       q.starttime,
       q.endtime,
       date_diff('millisecond', q.starttime, q.endtime) / 1e3 AS elapsed_s,
       waits.queue_s,
       waits.exec_s,
       waits.service_class,
       q.aborted <> 0 AS was_aborted,
       q.querytxt
FROM ${database}."stl_query" AS q
LEFT JOIN waits ON waits.cluster_id = q.cluster_id AND waits.query = q.query
