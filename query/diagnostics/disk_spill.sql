-- title: Steps that spilled to disk
-- group: tables
-- severity: warning
-- question: Which queries had sorts, hash joins or aggregations that did not fit in memory?
-- param from timestamp: only steps that ended at or after this time
-- param to timestamp: only steps that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: queries shown, most data first
-- column cluster_id name: cluster
-- column query id: number of the query
-- column userid id: who ran it
-- column sorts count: sort steps that spilled, one for each slice
-- column hashes count: hash joins that spilled, one for each slice
-- column aggrs count: aggregations that spilled, one for each slice
-- column step_rows count: rows of these steps
-- column mb MB: bytes of these steps
-- column text text: beginning of the statement
-- chart bars: x=cluster_id,query y=mb
-- do: Give the query more memory: fewer slots in its queue, or SET wlm_query_slot_count for this session.
-- do: Make it need less: name columns in place of SELECT *, filter before the join, and ANALYZE the tables so that the smaller one is hashed.
WITH steps AS (
  SELECT cluster_id, query, endtime, is_diskbased, rows, bytes, 1 AS sorts, 0 AS hashes, 0 AS aggregates FROM stl_sort
  UNION ALL
  SELECT cluster_id, query, endtime, is_diskbased, rows, bytes, 0, 1, 0 FROM stl_hash
  UNION ALL
  SELECT cluster_id, query, endtime, is_diskbased, rows, bytes, 0, 0, 1 FROM stl_aggr
),
spilled AS (
  SELECT cluster_id,
         query,
         SUM(sorts) AS sorts,
         SUM(hashes) AS hashes,
         SUM(aggregates) AS aggregates,
         SUM(rows) AS step_rows,
         SUM(bytes) AS bytes
  FROM steps
  WHERE is_diskbased = 't'
    AND (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query
  ORDER BY bytes DESC, cluster_id, query
  LIMIT :top
),
texts AS (
  SELECT cluster_id, query, MIN(userid) AS userid, MIN(LEFT(querytxt, 300)) AS querytxt
  FROM stl_query
  GROUP BY cluster_id, query
)
SELECT spilled.cluster_id,
       spilled.query,
       texts.userid,
       spilled.sorts,
       spilled.hashes,
       spilled.aggregates AS aggrs,
       spilled.step_rows,
       ROUND(spilled.bytes::float8 / 1048576, 1) AS mb,
       query_excerpt(texts.querytxt, 34) AS text
FROM spilled
LEFT JOIN texts ON texts.cluster_id = spilled.cluster_id AND texts.query = spilled.query
ORDER BY spilled.bytes DESC, spilled.cluster_id, spilled.query
