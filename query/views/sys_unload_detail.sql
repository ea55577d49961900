-- shows: files that UNLOAD wrote
-- source: SYS_UNLOAD_DETAIL and STL_UNLOAD_LOG in the Database Developer Guide
-- differs: query_id is the id in STL_QUERY; transaction_id is NULL for rows of clusters whose STL_UNLOAD_LOG had no such column yet
SELECT userid AS user_id, query AS query_id, pid AS session_id, transaction_id, path AS file_name, start_time, end_time,
       line_count, transfer_size, file_format, cluster_id, log_date
FROM stl_unload_log
