-- shows: queries that ended, with their time in queues
-- source: SYS_QUERY_HISTORY in the Database Developer Guide; STL_QUERY and STL_WLM_QUERY
-- lacks: statements that STL_QUERY does not have: those without a query id, such as DDL, answers from the result cache, and what still runs
-- differs: query_id is the id in STL_QUERY, which is not always that of SYS views; status is 'success' or 'failed', because STL_QUERY
-- differs: does not tell a failed query from a cancelled one; query_type follows from the first words of the text; error_message, returned_rows,
-- differs: returned_bytes, redshift_version, usage_limit, hashes, username, query_uuid, and the times of compiling, planning and locks are NULL
SELECT q.userid AS user_id, q.query AS query_id, q.label AS query_label, q.xid AS transaction_id, q.pid AS session_id,
       q.database AS database_name,
       CASE WHEN q.words LIKE 'select%' OR q.words LIKE 'with%' OR q.words LIKE '(%' THEN 'SELECT'
            WHEN q.words LIKE 'insert%' THEN 'INSERT'
            WHEN q.words LIKE 'update%' THEN 'UPDATE'
            WHEN q.words LIKE 'delete%' THEN 'DELETE'
            WHEN q.words LIKE 'copy%' THEN 'COPY'
            WHEN q.words LIKE 'unload%' THEN 'UNLOAD'
            WHEN q.words SIMILAR TO 'create[[:space:]]+(((local[[:space:]]+)?(temp|temporary)[[:space:]]+)?)table%' THEN 'CTAS'
            WHEN q.words LIKE 'create%' OR q.words LIKE 'alter%' OR q.words LIKE 'drop%' THEN 'DDL'
            WHEN q.words LIKE 'call%' THEN 'CALL'
            WHEN q.words LIKE 'vacuum%' OR q.words LIKE 'analyze%' OR q.words LIKE 'padb_fetch_sample%' THEN 'UTILITY'
            ELSE 'OTHER' END AS query_type,
       CASE WHEN q.aborted = 0 THEN 'success' ELSE 'failed' END AS status, FALSE AS result_cache_hit,
       q.starttime AS start_time, q.endtime AS end_time,
       DATEDIFF(microsecond, q.starttime, q.endtime) AS elapsed_time, w.queue_time, w.execution_time,
       CAST(NULL AS VARCHAR) AS error_message, CAST(NULL AS BIGINT) AS returned_rows, CAST(NULL AS BIGINT) AS returned_bytes,
       q.querytxt AS query_text, CAST(NULL AS VARCHAR) AS redshift_version, CAST(NULL AS VARCHAR) AS usage_limit,
       CASE WHEN q.concurrency_scaling_status = 1 THEN 'primary-scale' ELSE 'primary' END AS compute_type,
       CAST(NULL AS BIGINT) AS compile_time, CAST(NULL AS BIGINT) AS planning_time, CAST(NULL AS BIGINT) AS lock_wait_time,
       w.service_class AS service_class_id, w.service_class_name, w.query_priority,
       CASE WHEN w.service_class = 14 THEN 'true' WHEN w.service_class IS NOT NULL THEN 'false' END AS short_query_accelerated,
       CAST(NULL AS VARCHAR) AS user_query_hash, CAST(NULL AS VARCHAR) AS generic_query_hash,
       CAST(NULL AS BIGINT) AS query_hash_version, CAST(NULL AS BIGINT) AS result_cache_query_id,
       CAST(NULL AS VARCHAR) AS username, CAST(NULL AS VARCHAR) AS query_uuid, q.cluster_id, q.log_date
FROM (
    SELECT userid, query, label, xid, pid, database, querytxt, starttime, endtime, aborted, concurrency_scaling_status, cluster_id,
           log_date, LOWER(REGEXP_REPLACE(querytxt, '^([[:space:]]|--[^\\n]*|/[*]([^*]|[*]+[^*/])*[*]+/)+', '')) AS words
    FROM stl_query
) q
LEFT JOIN (
    SELECT cluster_id, query, CAST(SUM(total_queue_time) AS BIGINT) AS queue_time,
           CAST(SUM(total_exec_time) AS BIGINT) AS execution_time, MAX(service_class) AS service_class,
           MAX(service_class_name) AS service_class_name, MAX(query_priority) AS query_priority
    FROM stl_wlm_query
    GROUP BY cluster_id, query
) w ON w.cluster_id = q.cluster_id AND w.query = q.query
