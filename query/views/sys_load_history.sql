-- shows: COPY commands that ended
-- source: SYS_LOAD_HISTORY in the Database Developer Guide; STL_QUERY, STL_LOAD_COMMITS, STL_INSERT, STL_LOAD_ERRORS and STL_S3CLIENT
-- lacks: COPY commands that still run, and those that failed before they loaded a file
-- differs: query_id is the id in STL_QUERY; status is 'completed' or 'aborted'; table_name and data_source are those of the text, and NULL
-- differs: where it is cut off before them; loaded_bytes is NULL; file_count_scanned and file_bytes_scanned are those of source files
SELECT q.userid AS user_id, q.query AS query_id, q.xid AS transaction_id, q.pid AS session_id, q.database AS database_name,
       CASE WHEN q.aborted = 0 THEN 'completed' ELSE 'aborted' END AS status,
       NULLIF(REGEXP_REPLACE(REGEXP_SUBSTR(q.querytxt, 'copy\\s+["\\w.#$]+', 1, 1, 'i'), '^\\w+\\s+|"', ''), '') AS table_name,
       q.starttime AS start_time, q.endtime AS end_time, DATEDIFF(microsecond, q.starttime, q.endtime) AS duration,
       NULLIF(REGEXP_REPLACE(REGEXP_SUBSTR(q.querytxt, 'from\\s+''[^'']+', 1, 1, 'i'), '^\\w+\\s+''', ''), '') AS data_source,
       c.file_format, i.loaded_rows, CAST(NULL AS BIGINT) AS loaded_bytes, c.files AS source_file_count, s.bytes AS source_file_bytes,
       c.files AS file_count_scanned, s.bytes AS file_bytes_scanned, COALESCE(e.errors, 0) AS error_count, c.copy_job_id,
       q.cluster_id, q.log_date
FROM stl_query q
JOIN (
    SELECT cluster_id, query, COUNT(DISTINCT filename) AS files, MAX(file_format) AS file_format, MAX(copy_job_id) AS copy_job_id
    FROM stl_load_commits
    GROUP BY cluster_id, query
) c ON c.cluster_id = q.cluster_id AND c.query = q.query
LEFT JOIN (
    SELECT cluster_id, query, CAST(SUM("rows") AS BIGINT) AS loaded_rows FROM stl_insert GROUP BY cluster_id, query
) i ON i.cluster_id = q.cluster_id AND i.query = q.query
LEFT JOIN (
    SELECT cluster_id, query, COUNT(*) AS errors FROM stl_load_errors GROUP BY cluster_id, query
) e ON e.cluster_id = q.cluster_id AND e.query = q.query
LEFT JOIN (
    SELECT cluster_id, query, CAST(SUM(transfer_size) AS BIGINT) AS bytes FROM stl_s3client WHERE http_method = 'GET'
    GROUP BY cluster_id, query
) s ON s.cluster_id = q.cluster_id AND s.query = q.query
