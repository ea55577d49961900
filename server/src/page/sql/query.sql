-- What is known of one query.
WITH runs AS (
  SELECT cluster_id, query, MIN(userid) AS userid, MIN("database") AS "database", MIN(pid) AS pid, MIN(xid) AS xid,
         MIN(label) AS label, MIN(starttime) AS starttime, MAX(endtime) AS endtime, MAX(aborted) AS aborted,
         MAX(concurrency_scaling_status) AS scaled, query_fingerprint(MIN(querytxt)) AS fingerprint
  FROM stl_query
  WHERE cluster_id = :cluster AND query = :query
  GROUP BY cluster_id, query
),
waits AS (
  SELECT cluster_id, query, MAX(service_class) AS service_class, SUM(total_queue_time) AS queue_us, SUM(total_exec_time) AS exec_us
  FROM stl_wlm_query
  WHERE cluster_id = :cluster AND query = :query
  GROUP BY cluster_id, query
)
SELECT runs.cluster_id, runs.query, runs.userid, runs."database", runs.pid, runs.xid, runs.label, runs.starttime, runs.endtime,
       runs.aborted, runs.scaled, runs.fingerprint, waits.service_class, waits.queue_us, waits.exec_us
FROM runs
LEFT JOIN waits ON waits.cluster_id = runs.cluster_id AND waits.query = runs.query
