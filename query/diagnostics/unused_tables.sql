-- title: Tables that nobody reads
-- group: tables
-- severity: info
-- question: Which tables that were seen once have not been read for a long time, and are they still written?
-- param to timestamp: as of this time; now, if it is not given
-- param cluster text: only this cluster
-- param days int = 30: days without a scan by a user
-- param top int = 50: tables shown, longest unread first
-- column cluster_id name: cluster
-- column table_id id: number of the table
-- column table_name name: its name, as far as a scan or an ANALYZE has it
-- column last_read date: last day on which a user's query scanned it; empty if none is in the lake
-- column days_unread days: since then, or since it was first seen
-- column last_write date: last day on which rows were inserted or deleted; empty if none is in the lake
-- column rows_written count: rows inserted and deleted in these days without a reader
-- chart bars: x=cluster_id,table_name y=days_unread
-- do: A table that is written and never read is work for nothing: find its job by ddl_changes and changed_rows, and stop both.
-- do: UNLOAD a table before you drop it. Look into svv_table_info on the cluster for its size; a table that was dropped already stays in this list, because the log does not tell.
-- do: Only as old as the lake: `lookback status` says since when scans are covered, and a table read on a concurrency scaling cluster leaves no trace here.
WITH reads AS (
  SELECT cluster_id, tbl AS table_id, MAX(BTRIM(perm_table_name)) AS table_name, MIN(endtime) AS first_at, MAX(endtime) AS last_at
  FROM stl_scan
  WHERE tbl > 0
    AND userid > 1
    AND perm_table_name NOT LIKE 'Internal Worktable%'
    AND endtime < COALESCE(:to, GETDATE())
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, tbl
),
changes AS (
  SELECT cluster_id, tbl AS table_id, endtime, rows FROM stl_insert WHERE tbl > 0
  UNION ALL
  SELECT cluster_id, tbl, endtime, rows FROM stl_delete WHERE tbl > 0
),
writes AS (
  SELECT changes.cluster_id,
         changes.table_id,
         MIN(changes.endtime) AS first_at,
         MAX(changes.endtime) AS last_at,
         SUM(CASE WHEN reads.last_at IS NULL OR changes.endtime > reads.last_at THEN changes.rows ELSE 0 END) AS rows
  FROM changes
  LEFT JOIN reads ON reads.cluster_id = changes.cluster_id AND reads.table_id = changes.table_id
  WHERE changes.endtime < COALESCE(:to, GETDATE())
    AND (:cluster IS NULL OR changes.cluster_id = :cluster)
  GROUP BY changes.cluster_id, changes.table_id
),
names AS (
  SELECT cluster_id,
         table_id,
         MAX(BTRIM(schema_name) || '.' || BTRIM(table_name)) AS table_name,
         MIN(endtime) AS first_at
  FROM stl_analyze
  WHERE endtime < COALESCE(:to, GETDATE())
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, table_id
),
known AS (
  SELECT cluster_id, table_id, first_at FROM reads
  UNION ALL
  SELECT cluster_id, table_id, first_at FROM writes
  UNION ALL
  SELECT cluster_id, table_id, first_at FROM names
),
tables AS (
  SELECT cluster_id, table_id, MIN(first_at) AS first_at FROM known GROUP BY cluster_id, table_id
),
unread AS (
  SELECT tables.cluster_id,
         tables.table_id,
         COALESCE(names.table_name, reads.table_name) AS table_name,
         reads.last_at AS last_read,
         DATEDIFF(day, COALESCE(reads.last_at, tables.first_at), COALESCE(:to, GETDATE())) AS days_unread,
         writes.last_at AS last_write,
         writes.rows AS rows_written
  FROM tables
  LEFT JOIN reads ON reads.cluster_id = tables.cluster_id AND reads.table_id = tables.table_id
  LEFT JOIN writes ON writes.cluster_id = tables.cluster_id AND writes.table_id = tables.table_id
  LEFT JOIN names ON names.cluster_id = tables.cluster_id AND names.table_id = tables.table_id
)
SELECT cluster_id,
       table_id,
       query_excerpt(table_name, 36) AS table_name,
       CAST(last_read AS DATE) AS last_read,
       days_unread,
       CAST(last_write AS DATE) AS last_write,
       rows_written
FROM unread
WHERE days_unread >= :days
ORDER BY days_unread DESC, cluster_id, table_id
LIMIT :top
