-- title: UNLOAD: files, rows and speed
-- group: loading
-- severity: info
-- question: Which unloads wrote most, where to, and how fast?
-- param from timestamp: only unloads that ended at or after this time
-- param to timestamp: only unloads that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: unloads shown, most data first
-- column cluster_id name: cluster
-- column query id: number of the UNLOAD
-- column userid id: who ran it
-- column ended time: when the last file was written
-- column took_s seconds: from the first file's start to the last one's end
-- column files count: files written
-- column rows count: rows in them
-- column mb MB: bytes written
-- column mb_per_s MB/s: mb divided by took_s
-- column path text: folder of the files
-- chart bars: x=cluster_id,query y=mb
-- do: Check that the folder is one that may hold this data: an unload takes rows out of the reach of the cluster's grants.
-- do: Slow and with one file: PARALLEL OFF writes from one slice. Text formats are several times larger than PARQUET.
WITH files AS (
  SELECT cluster_id,
         query,
         userid,
         start_time,
         end_time,
         BTRIM(path) AS path,
         line_count,
         transfer_size
  FROM stl_unload_log
  WHERE (:from IS NULL OR end_time >= :from)
    AND (:to IS NULL OR end_time < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
),
unloads AS (
  SELECT cluster_id,
         query,
         MIN(userid) AS userid,
         MAX(end_time) AS ended,
         DATEDIFF(ms, MIN(start_time), MAX(end_time))::float8 / 1000 AS took_s,
         COUNT(DISTINCT path) AS files,
         SUM(line_count) AS rows,
         SUM(transfer_size) AS bytes,
         MIN(path) AS path
  FROM files
  GROUP BY cluster_id, query
)
SELECT cluster_id,
       query,
       userid,
       DATE_TRUNC('second', ended) AS ended,
       ROUND(took_s, 1) AS took_s,
       files,
       rows,
       ROUND(bytes::float8 / 1048576, 1) AS mb,
       ROUND(bytes::float8 / 1048576 / NULLIF(took_s, 0), 1) AS mb_per_s,
       query_excerpt(LEFT(path, LENGTH(path) - STRPOS(REVERSE(path), '/') + 1), 30) AS path
FROM unloads
ORDER BY bytes DESC NULLS LAST, cluster_id, query
LIMIT :top
