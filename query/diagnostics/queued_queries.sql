-- title: Queries that waited longest
-- group: queues
-- severity: info
-- question: Which queries waited longest for a slot, in which queue, and how long did they run then?
-- param from timestamp: only queries that left their queue at or after this time
-- param to timestamp: only queries that left their queue before this time
-- param cluster text: only this cluster
-- param top int = 20: queries shown
-- column cluster_id name: cluster that ran it
-- column query id: number of the query
-- column userid id: who ran it
-- column service_class id: queue; the highest number, if the query hopped from one to another
-- column arrived time: when it came to its first queue
-- column queue_s seconds: waiting, in all queues
-- column exec_s seconds: running, in all queues
-- column text text: beginning of the statement
-- chart bars: x=cluster_id,query y=queue_s
-- do: Short queries behind long ones: turn on short query acceleration, or give them a queue or a priority of their own.
-- do: Long waits of everybody: more concurrency (automatic workload management), concurrency scaling for this queue, or a larger cluster; see cluster_load.
WITH waits AS (
  SELECT cluster_id,
         query,
         MIN(userid) AS userid,
         MAX(service_class) AS service_class,
         MIN(service_class_start_time) AS arrived,
         SUM(total_queue_time) AS queue_us,
         SUM(total_exec_time) AS exec_us
  FROM stl_wlm_query
  WHERE (:from IS NULL OR service_class_end_time >= :from)
    AND (:to IS NULL OR service_class_end_time < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query
  HAVING SUM(total_queue_time) > 0
  ORDER BY queue_us DESC, cluster_id, query
  LIMIT :top
),
texts AS (
  SELECT cluster_id, query, MIN(LEFT(querytxt, 300)) AS querytxt
  FROM stl_query
  GROUP BY cluster_id, query
)
SELECT waits.cluster_id,
       waits.query,
       waits.userid,
       waits.service_class,
       DATE_TRUNC('second', waits.arrived) AS arrived,
       ROUND(waits.queue_us::float8 / 1000000, 1) AS queue_s,
       ROUND(waits.exec_us::float8 / 1000000, 1) AS exec_s,
       query_excerpt(texts.querytxt, 34) AS text
FROM waits
LEFT JOIN texts ON texts.cluster_id = waits.cluster_id AND texts.query = waits.query
ORDER BY waits.queue_us DESC, waits.cluster_id, waits.query
