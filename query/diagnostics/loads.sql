-- title: COPY: files, rows and speed
-- group: loading
-- severity: info
-- question: Which loads took longest, how much did they read from S3, and how fast?
-- param from timestamp: only loads that ended at or after this time
-- param to timestamp: only loads that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: loads shown, longest first
-- column cluster_id name: cluster
-- column query id: number of the COPY
-- column ended time: when it ended
-- column took_s seconds: from arrival to end
-- column files count: files that were loaded
-- column lines count: lines in them
-- column errors count: lines that were left out
-- column mb MB: bytes read from S3, compressed as they are there
-- column mb_per_s MB/s: mb divided by took_s
-- column slices count: slices that loaded
-- column text text: beginning of the statement
-- chart bars: x=cluster_id,query y=mb_per_s
-- do: Files should be a multiple of the number of slices and of similar size, 1 MB to 1 GB compressed: compare files with slices.
-- do: Many tiny loads cost more in commits (commit_queue) than in reading: load less often, or with auto-copy.
WITH loads AS (
  SELECT cluster_id,
         query,
         MAX(curtime) AS last_at,
         COUNT(DISTINCT BTRIM(filename)) AS files,
         COUNT(DISTINCT slice) AS slices,
         SUM(lines_scanned) AS lines,
         SUM(errors) AS errors
  FROM stl_load_commits
  WHERE (:from IS NULL OR curtime >= :from)
    AND (:to IS NULL OR curtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query
),
reads AS (
  SELECT cluster_id, query, SUM(transfer_size) AS bytes
  FROM stl_s3client
  WHERE BTRIM(http_method) = 'GET'
    AND (:from IS NULL OR recordtime >= DATEADD(day, -1, :from))
    AND (:to IS NULL OR recordtime < DATEADD(day, 1, :to))
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query
),
queries AS (
  SELECT cluster_id,
         query,
         MAX(endtime) AS endtime,
         MAX(DATEDIFF(ms, starttime, endtime))::float8 / 1000 AS took_s,
         MIN(LEFT(querytxt, 300)) AS querytxt
  FROM stl_query
  WHERE :from IS NULL OR endtime >= :from
  GROUP BY cluster_id, query
)
SELECT loads.cluster_id,
       loads.query,
       DATE_TRUNC('second', COALESCE(queries.endtime, loads.last_at)) AS ended,
       ROUND(queries.took_s, 1) AS took_s,
       loads.files,
       loads.lines,
       loads.errors,
       ROUND(reads.bytes::float8 / 1048576, 1) AS mb,
       ROUND(reads.bytes::float8 / 1048576 / NULLIF(queries.took_s, 0), 1) AS mb_per_s,
       loads.slices,
       query_excerpt(queries.querytxt, 12) AS text
FROM loads
LEFT JOIN queries ON queries.cluster_id = loads.cluster_id AND queries.query = loads.query
LEFT JOIN reads ON reads.cluster_id = loads.cluster_id AND reads.query = loads.query
ORDER BY took_s DESC NULLS LAST, cluster_id, query
LIMIT :top
