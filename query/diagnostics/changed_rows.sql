-- title: Inserted and deleted rows
-- group: loading
-- severity: info
-- question: Into which tables are how many rows inserted, and from which are they deleted or updated?
-- param from timestamp: only insert and delete steps that ended at or after this time
-- param to timestamp: only insert and delete steps that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: tables shown, most rows first
-- column cluster_id name: cluster
-- column table_id id: number of the table
-- column table_name name: its name, as far as a scan has it
-- column inserted count: rows inserted; an update is a delete and an insert
-- column inserts count: queries that inserted
-- column deleted count: rows deleted
-- column deletes count: queries that deleted
-- column rows_per_insert count: rows of an insert, mean
-- column last_at time: the last change
-- chart bars: x=cluster_id,table_name y=inserted
-- do: A low rows_per_insert with many inserts: row-by-row INSERT. Collect the rows in S3 and COPY them.
-- do: Many deleted rows: run VACUUM DELETE ONLY, and where whole days are deleted, use a table for each month and DROP or TRUNCATE.
WITH changes AS (
  SELECT cluster_id, tbl, query, endtime, rows AS inserted, 0 AS deleted, query AS inserting, NULL AS deleting FROM stl_insert
  UNION ALL
  SELECT cluster_id, tbl, query, endtime, 0, rows, NULL, query FROM stl_delete
),
tables AS (
  SELECT cluster_id,
         tbl AS table_id,
         SUM(inserted) AS inserted,
         COUNT(DISTINCT inserting) AS inserts,
         SUM(deleted) AS deleted,
         COUNT(DISTINCT deleting) AS deletes,
         MAX(endtime) AS last_at
  FROM changes
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
    AND tbl > 0
  GROUP BY cluster_id, tbl
),
names AS (
  SELECT cluster_id, tbl AS table_id, MAX(BTRIM(perm_table_name)) AS table_name
  FROM stl_scan
  WHERE tbl > 0 AND perm_table_name NOT LIKE 'Internal Worktable%'
  GROUP BY cluster_id, tbl
)
SELECT tables.cluster_id,
       tables.table_id,
       query_excerpt(names.table_name, 24) AS table_name,
       tables.inserted,
       tables.inserts,
       tables.deleted,
       tables.deletes,
       tables.inserted / NULLIF(tables.inserts, 0) AS rows_per_insert,
       DATE_TRUNC('second', tables.last_at) AS last_at
FROM tables
LEFT JOIN names ON names.cluster_id = tables.cluster_id AND names.table_id = tables.table_id
ORDER BY tables.inserted + tables.deleted DESC NULLS LAST, tables.cluster_id, tables.table_id
LIMIT :top
