-- shows: ANALYZE operations
-- source: SYS_ANALYZE_HISTORY and STL_ANALYZE in the Database Developer Guide
SELECT userid AS user_id, xid AS transaction_id, database AS database_name, SUBSTRING(table_name, 1, 30) AS table_name,
       table_id, is_auto AS is_automatic, status, starttime AS start_time, endtime AS end_time, "rows", modified_rows,
       threshold_percent AS analyze_threshold_percent, prevtime AS last_analyze_time, cluster_id, log_date
FROM stl_analyze
