-- title: Queries that met a full disk
-- group: cluster
-- severity: critical
-- question: When was a node's disk full, and which query had filled it with temporary blocks?
-- param from timestamp: only reports at or after this time
-- param to timestamp: only reports before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, newest first
-- column cluster_id name: cluster
-- column at time: when
-- column query id: query that ran
-- column node id: number of the node
-- column temp_mb MB: temporary blocks of the query on that node, 1 MB each
-- column userid id: who ran it
-- column text text: beginning of the statement
-- chart bars: x=cluster_id,query,node y=temp_mb
-- do: A query with many temporary blocks spills: see disk_spill and nested_loops. A rule of workload management on query_temp_blocks_to_disk stops such queries early.
-- do: With few temporary blocks the disk is full of tables: see unused_tables, VACUUM, or resize.
WITH reports AS (
  SELECT cluster_id,
         DATEADD(us, currenttime, TIMESTAMP '2000-01-01 00:00:00') AS at,
         query_id AS query,
         node_num AS node,
         temp_blocks
  FROM stl_disk_full_diag
  WHERE (:from IS NULL OR log_date >= CAST(DATEADD(day, -1, :from) AS DATE))
    AND (:to IS NULL OR log_date <= CAST(DATEADD(day, 1, :to) AS DATE))
    AND (:cluster IS NULL OR cluster_id = :cluster)
),
texts AS (
  SELECT cluster_id, query, MIN(userid) AS userid, MIN(LEFT(querytxt, 300)) AS querytxt
  FROM stl_query
  GROUP BY cluster_id, query
)
SELECT reports.cluster_id,
       DATE_TRUNC('second', reports.at) AS at,
       reports.query,
       reports.node,
       CAST(reports.temp_blocks AS DOUBLE PRECISION) AS temp_mb,
       texts.userid,
       query_excerpt(texts.querytxt, 40) AS text
FROM reports
LEFT JOIN texts ON texts.cluster_id = reports.cluster_id AND texts.query = reports.query
WHERE (:from IS NULL OR reports.at >= :from)
  AND (:to IS NULL OR reports.at < :to)
ORDER BY at DESC, cluster_id, query, node
LIMIT :top
