-- title: Who uses the cluster
-- group: queues
-- severity: info
-- question: Which users, labels and queues take how much of the time of each cluster?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most time first
-- column cluster_id name: cluster
-- column userid id: who ran the queries
-- column username name: name of the user, as far as the log of sessions has it
-- column label name: query_group of the session; default, if none was set
-- column queue id: number of the service class; empty for queries that passed no queue
-- column queries count: queries
-- column exec_s seconds: running, as workload management counts it; without it, from arrival to end
-- column queue_s seconds: waiting
-- column share_pct percent: part of exec_s in that of the whole cluster
-- chart bars: x=cluster_id,username,label,queue y=share_pct
-- do: To bill a cluster, set query_group in every job (SET query_group TO 'name'): then label says which job it was.
-- do: A user that fills a queue meant for others belongs into a queue of its own.
WITH waits AS (
  SELECT cluster_id,
         query,
         MAX(service_class) AS service_class,
         SUM(total_exec_time) AS exec_us,
         SUM(total_queue_time) AS queue_us
  FROM stl_wlm_query
  WHERE (:from IS NULL OR service_class_end_time >= DATEADD(day, -1, :from))
    AND (:to IS NULL OR service_class_end_time < DATEADD(day, 1, :to))
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query
),
users AS (
  SELECT cluster_id, userid, MAX(BTRIM(user_name)) AS username
  FROM stl_sessions
  GROUP BY cluster_id, userid
),
costs AS (
  SELECT stl_query.cluster_id,
         stl_query.userid,
         COALESCE(BTRIM(stl_query.label), '') AS label,
         waits.service_class,
         COUNT(*) AS queries,
         SUM(COALESCE(waits.exec_us, DATEDIFF(us, stl_query.starttime, stl_query.endtime))) AS exec_us,
         SUM(COALESCE(waits.queue_us, 0)) AS queue_us
  FROM stl_query
  LEFT JOIN waits ON waits.cluster_id = stl_query.cluster_id AND waits.query = stl_query.query
  WHERE (:from IS NULL OR stl_query.endtime >= :from)
    AND (:to IS NULL OR stl_query.endtime < :to)
    AND (:cluster IS NULL OR stl_query.cluster_id = :cluster)
  GROUP BY stl_query.cluster_id, stl_query.userid, COALESCE(BTRIM(stl_query.label), ''), waits.service_class
),
shares AS (
  SELECT costs.*, 100 * exec_us::float8 / NULLIF(SUM(exec_us) OVER (PARTITION BY cluster_id), 0) AS share_pct
  FROM costs
)
SELECT shares.cluster_id,
       shares.userid,
       query_excerpt(users.username, 16) AS username,
       query_excerpt(shares.label, 20) AS label,
       shares.service_class AS queue,
       shares.queries,
       ROUND(shares.exec_us::float8 / 1000000, 1) AS exec_s,
       ROUND(shares.queue_us::float8 / 1000000, 1) AS queue_s,
       ROUND(shares.share_pct, 1) AS share_pct
FROM shares
LEFT JOIN users ON users.cluster_id = shares.cluster_id AND users.userid = shares.userid
ORDER BY shares.exec_us DESC NULLS LAST, shares.cluster_id, shares.userid, label, queue
LIMIT :top
