-- shows: files that COPY loaded
-- source: SYS_LOAD_DETAIL in the Database Developer Guide; STL_LOAD_COMMITS
-- differs: query_id is the id in STL_QUERY; bytes_scanned, start_time, end_time, file_etag and file_last_modified are NULL
SELECT userid AS user_id, query AS query_id, filename AS file_name, CAST(NULL AS BIGINT) AS bytes_scanned, lines_scanned,
       curtime AS record_time, CAST(NULL AS TIMESTAMP) AS start_time, CAST(NULL AS TIMESTAMP) AS end_time,
       CAST(NULL AS VARCHAR) AS file_etag, CAST(NULL AS TIMESTAMP) AS file_last_modified, cluster_id, log_date
FROM stl_load_commits
