-- title: Scans that throw most rows away
-- group: tables
-- severity: warning
-- question: Of which tables are many rows read only to be filtered out?
-- param from timestamp: only scans that ended at or after this time
-- param to timestamp: only scans that ended before this time
-- param cluster text: only this cluster
-- param min_rows int = 1000000: rows read that a table must have to be shown
-- param top int = 20: tables shown, most rows thrown away first
-- column cluster_id name: cluster
-- column table_id id: number of the table
-- column table_name name: its name, as the scan has it
-- column queries count: queries that scanned it
-- column rows_read count: rows before any filter, deleted ones too
-- column rows_kept count: rows that the scans handed on
-- column thrown_pct percent: part that was thrown away
-- column ranged_pct percent: part of the scan steps that could leave out blocks by the sort key
-- chart bars: x=cluster_id,table_name y=thrown_pct
-- do: A low ranged_pct says that filters do not meet the sort key: sort the table by the column that is filtered most, which is usually a time.
-- do: A high ranged_pct with many rows thrown away says that the table is not sorted any more (VACUUM), or has many deleted rows (VACUUM DELETE ONLY).
WITH scans AS (
  SELECT cluster_id,
         tbl AS table_id,
         MAX(BTRIM(perm_table_name)) AS table_name,
         COUNT(DISTINCT query) AS queries,
         SUM(rows_pre_filter) AS rows_read,
         SUM(rows) AS rows_kept,
         100 * SUM(CASE WHEN is_rrscan = 't' THEN 1 ELSE 0 END)::float8 / COUNT(*) AS ranged_pct
  FROM stl_scan
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
    AND tbl > 0
    AND rows_pre_filter > 0
    AND userid > 1
    AND perm_table_name NOT LIKE 'Internal Worktable%'
  GROUP BY cluster_id, tbl
)
SELECT cluster_id,
       table_id,
       query_excerpt(table_name, 30) AS table_name,
       queries,
       rows_read,
       rows_kept,
       ROUND(100 * (rows_read - rows_kept)::float8 / rows_read, 1) AS thrown_pct,
       ROUND(ranged_pct, 1) AS ranged_pct
FROM scans
WHERE rows_read >= :min_rows
  AND rows_kept < rows_read
ORDER BY rows_read - rows_kept DESC, cluster_id, table_id
LIMIT :top
