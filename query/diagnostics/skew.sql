-- title: Slices that do most of the work
-- group: tables
-- severity: warning
-- question: In which steps does one slice work on far more rows than the others?
-- param from timestamp: only steps that ended at or after this time
-- param to timestamp: only steps that ended before this time
-- param cluster text: only this cluster
-- param min_rows int = 100000: rows that a step must have to be shown
-- param min_factor int = 3: how many times the mean the largest slice must have
-- param top int = 20: steps shown, most rows on one slice first
-- column cluster_id name: cluster
-- column query id: number of the query
-- column seg count: segment
-- column step count: step in its segment
-- column what name: kind of step: scan, hash, aggr, sort, dist
-- column slices count: slices that took part
-- column mean_rows count: rows of a slice, mean
-- column most_rows count: rows of the largest slice
-- column factor factor: most_rows divided by mean_rows
-- column slowest_s seconds: time of the slowest slice
-- column mean_s seconds: time of a slice, mean
-- column table_name name: table that is scanned
-- chart bars: x=cluster_id,query,seg,step y=factor
-- do: Skew in a scan is skew of the table: its distribution key has values that are far more frequent than others (NULL, 0, one large customer). Choose another key, or DISTSTYLE EVEN.
-- do: Skew after a dist step comes from the column that is joined or grouped: handle its frequent values in a query of their own.
WITH steps AS (
  SELECT cluster_id, query, segment, step, 'scan' AS what, slice, starttime, endtime, rows, BTRIM(perm_table_name) AS table_name FROM stl_scan
  UNION ALL
  SELECT cluster_id, query, segment, step, 'hash', slice, starttime, endtime, rows, NULL FROM stl_hash
  UNION ALL
  SELECT cluster_id, query, segment, step, 'aggr', slice, starttime, endtime, rows, NULL FROM stl_aggr
  UNION ALL
  SELECT cluster_id, query, segment, step, 'sort', slice, starttime, endtime, rows, NULL FROM stl_sort
  UNION ALL
  SELECT cluster_id, query, segment, step, 'dist', slice, starttime, endtime, rows, NULL FROM stl_dist
),
slices AS (
  SELECT cluster_id,
         query,
         segment,
         step,
         what,
         slice,
         SUM(rows) AS rows,
         DATEDIFF(ms, MIN(starttime), MAX(endtime))::float8 / 1000 AS seconds,
         MAX(table_name) AS table_name
  FROM steps
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query, segment, step, what, slice
),
compared AS (
  SELECT cluster_id,
         query,
         segment,
         step,
         what,
         COUNT(*) AS slices,
         SUM(rows)::float8 / COUNT(*) AS mean_rows,
         MAX(rows) AS most_rows,
         MAX(seconds) AS slowest_s,
         AVG(seconds) AS mean_s,
         MAX(table_name) AS table_name
  FROM slices
  GROUP BY cluster_id, query, segment, step, what
  HAVING COUNT(*) > 1 AND SUM(rows) >= :min_rows
)
SELECT cluster_id,
       query,
       segment AS seg,
       step,
       what,
       slices,
       CAST(ROUND(mean_rows) AS BIGINT) AS mean_rows,
       most_rows,
       ROUND(most_rows / mean_rows, 1) AS factor,
       ROUND(slowest_s, 1) AS slowest_s,
       ROUND(mean_s, 1) AS mean_s,
       query_excerpt(table_name, 18) AS table_name
FROM compared
WHERE most_rows >= mean_rows * :min_factor
ORDER BY most_rows DESC, cluster_id, query, segment, step
LIMIT :top
