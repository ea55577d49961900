-- title: Vacuum by table
-- group: tables
-- severity: info
-- question: Which tables are vacuumed, how long does it take, and does it give anything back?
-- param from timestamp: only vacuums at or after this time
-- param to timestamp: only vacuums before this time
-- param cluster text: only this cluster
-- param top int = 20: tables shown, most time first
-- column cluster_id name: cluster
-- column table_id id: number of the table
-- column table_name name: its name, as far as a scan has it
-- column runs count: vacuums that began
-- column unfinished count: those of them without an end in the period
-- column skipped count: vacuums that found nothing to do
-- column took_s seconds: time of the finished ones together
-- column rows_freed count: deleted rows that they removed
-- column last_at time: last event
-- chart bars: x=cluster_id,table_name y=took_s
-- do: unfinished vacuums were cancelled, or still run; one that never finishes wants VACUUM DELETE ONLY and SORT ONLY apart, or a deep copy.
-- do: Much time and few rows_freed: the table is written in the order of another column than its sort key.
WITH events AS (
  SELECT cluster_id,
         xid,
         table_id,
         MIN(CASE WHEN status LIKE 'Started%' THEN eventtime END) AS began,
         MAX(CASE WHEN status LIKE 'Finished%' THEN eventtime END) AS ended,
         MAX(CASE WHEN status LIKE 'Started%' THEN rows END) AS rows_before,
         MIN(CASE WHEN status LIKE 'Finished%' THEN rows END) AS rows_after,
         SUM(CASE WHEN status LIKE 'Skipped%' THEN 1 ELSE 0 END) AS skipped,
         MAX(eventtime) AS last_at
  FROM stl_vacuum
  WHERE (:from IS NULL OR eventtime >= :from)
    AND (:to IS NULL OR eventtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, xid, table_id
),
names AS (
  SELECT cluster_id, tbl AS table_id, MAX(BTRIM(perm_table_name)) AS table_name
  FROM stl_scan
  WHERE tbl > 0 AND perm_table_name NOT LIKE 'Internal Worktable%'
  GROUP BY cluster_id, tbl
),
tables AS (
  SELECT cluster_id,
         table_id,
         COUNT(began) AS runs,
         SUM(CASE WHEN began IS NOT NULL AND ended IS NULL THEN 1 ELSE 0 END) AS unfinished,
         SUM(skipped) AS skipped,
         SUM(DATEDIFF(ms, began, ended))::float8 / 1000 AS took_s,
         SUM(CASE WHEN ended IS NOT NULL THEN rows_before - rows_after END) AS rows_freed,
         MAX(last_at) AS last_at
  FROM events
  GROUP BY cluster_id, table_id
)
SELECT tables.cluster_id,
       tables.table_id,
       query_excerpt(names.table_name, 24) AS table_name,
       tables.runs,
       tables.unfinished,
       tables.skipped,
       ROUND(tables.took_s, 1) AS took_s,
       tables.rows_freed,
       DATE_TRUNC('second', tables.last_at) AS last_at
FROM tables
LEFT JOIN names ON names.cluster_id = tables.cluster_id AND names.table_id = tables.table_id
ORDER BY took_s DESC NULLS LAST, cluster_id, table_id
LIMIT :top
