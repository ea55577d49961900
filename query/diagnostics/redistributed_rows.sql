-- title: Joins that move rows between nodes
-- group: tables
-- severity: info
-- question: Which queries broadcast or redistribute most rows over the network?
-- param from timestamp: only steps that ended at or after this time
-- param to timestamp: only steps that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: queries shown, most data first
-- column cluster_id name: cluster
-- column query id: number of the query
-- column userid id: who ran it
-- column bcast_rows count: rows that were broadcast, on all slices
-- column bcast_mb MB: their size
-- column dist_rows count: rows that were redistributed
-- column dist_mb MB: their size
-- column text text: beginning of the statement
-- chart bars: x=cluster_id,query y=bcast_mb
-- do: Large tables that are joined with each other want the same distribution key, the column of the join; small ones that are joined often want DISTSTYLE ALL.
-- do: A broadcast of a large table usually means that its statistics are missing or old: see missing_statistics.
WITH moves AS (
  SELECT cluster_id, query, userid, endtime, rows AS bcast_rows, bytes AS bcast_bytes, 0 AS dist_rows, 0 AS dist_bytes FROM stl_bcast
  UNION ALL
  SELECT cluster_id, query, userid, endtime, 0, 0, rows, bytes FROM stl_dist
),
moved AS (
  SELECT cluster_id,
         query,
         MIN(userid) AS userid,
         SUM(bcast_rows) AS bcast_rows,
         SUM(bcast_bytes) AS bcast_bytes,
         SUM(dist_rows) AS dist_rows,
         SUM(dist_bytes) AS dist_bytes,
         SUM(bcast_bytes + dist_bytes) AS bytes
  FROM moves
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query
  HAVING SUM(bcast_rows + dist_rows) > 0
  ORDER BY bytes DESC NULLS LAST, cluster_id, query
  LIMIT :top
),
texts AS (
  SELECT cluster_id, query, MIN(LEFT(querytxt, 300)) AS querytxt
  FROM stl_query
  GROUP BY cluster_id, query
)
SELECT moved.cluster_id,
       moved.query,
       moved.userid,
       moved.bcast_rows,
       ROUND(moved.bcast_bytes::float8 / 1048576, 1) AS bcast_mb,
       moved.dist_rows,
       ROUND(moved.dist_bytes::float8 / 1048576, 1) AS dist_mb,
       query_excerpt(texts.querytxt, 34) AS text
FROM moved
LEFT JOIN texts ON texts.cluster_id = moved.cluster_id AND texts.query = moved.query
ORDER BY moved.bytes DESC NULLS LAST, moved.cluster_id, moved.query
