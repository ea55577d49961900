-- shows: files that UNLOAD wrote
-- source: SVCS_UNLOAD_LOG and STL_UNLOAD_LOG in the Database Developer Guide
-- lacks: what ran on concurrency scaling clusters
SELECT userid, query, pid, path, start_time, end_time, line_count, transfer_size, file_format, cluster_id, log_date
FROM stl_unload_log
