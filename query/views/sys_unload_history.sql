-- shows: UNLOAD commands that ended
-- source: SYS_UNLOAD_HISTORY in the Database Developer Guide; STL_QUERY and STL_UNLOAD_LOG
-- lacks: UNLOAD commands that still run, and those that wrote no file
-- differs: query_id is the id in STL_QUERY; status is 'completed' or 'aborted'; unloaded_location is that of the text, and NULL where it is
-- differs: cut off before; compression_type and error_message are NULL
SELECT q.userid AS user_id, q.query AS query_id, q.xid AS transaction_id, q.pid AS session_id, q.database AS database_name,
       CASE WHEN q.aborted = 0 THEN 'completed' ELSE 'aborted' END AS status, q.starttime AS start_time, q.endtime AS end_time,
       DATEDIFF(microsecond, q.starttime, q.endtime) AS duration, u.file_format, CAST(NULL AS VARCHAR) AS compression_type,
       NULLIF(REGEXP_REPLACE(REGEXP_SUBSTR(q.querytxt, 'to\\s+''s3://[^'']+', 1, 1, 'i'), '^\\w+\\s+''', ''), '') AS unloaded_location,
       u.unloaded_rows, u.files AS unloaded_files_count, u.bytes AS unloaded_files_size, CAST(NULL AS VARCHAR) AS error_message,
       q.cluster_id, q.log_date
FROM stl_query q
JOIN (
    SELECT cluster_id, query, MAX(file_format) AS file_format, CAST(SUM(line_count) AS BIGINT) AS unloaded_rows,
           COUNT(DISTINCT path) AS files, CAST(SUM(transfer_size) AS BIGINT) AS bytes
    FROM stl_unload_log
    GROUP BY cluster_id, query
) u ON u.cluster_id = q.cluster_id AND u.query = q.query
