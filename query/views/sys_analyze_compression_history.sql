-- shows: compression analysis by COPY and ANALYZE COMPRESSION
-- source: SYS_ANALYZE_COMPRESSION_HISTORY and STL_ANALYZE_COMPRESSION in the Database Developer Guide
SELECT userid AS user_id, start_time, xid AS transaction_id, tbl AS table_id, tablename AS table_name,
       col AS column_position, old_encoding, new_encoding, mode, cluster_id, log_date
FROM stl_analyze_compression
