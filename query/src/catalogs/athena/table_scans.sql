-- What was read of each table, day by day.
SELECT cluster_id,
       log_date,
       tbl AS table_id,
       MAX(TRIM(perm_table_name)) AS table_name,
       COUNT(DISTINCT query) AS queries,
       SUM("rows") AS rows_kept,
       SUM(rows_pre_filter) AS rows_read,
       SUM(bytes) AS bytes_read
FROM ${database}."stl_scan"
WHERE "type" = 2 AND userid > 1
GROUP BY cluster_id, log_date, tbl
