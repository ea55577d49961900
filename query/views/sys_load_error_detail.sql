-- shows: errors of COPY
-- source: SYS_LOAD_ERROR_DETAIL in the Database Developer Guide; STL_LOAD_ERRORS and STL_QUERY
-- differs: query_id is the id in STL_QUERY; transaction_id and database_name are NULL for a query that STL_QUERY does not have
SELECT e.userid AS user_id, e.query AS query_id, q.xid AS transaction_id, e.session AS session_id, q.database AS database_name,
       e.tbl AS table_id, e.starttime AS start_time, e.filename AS file_name, e.line_number, e.colname AS column_name,
       e.type AS column_type, e.col_length AS column_length, e.position, e.err_code AS error_code,
       e.err_reason AS error_message, e.cluster_id, e.log_date
FROM stl_query q
RIGHT JOIN stl_load_errors e ON q.cluster_id = e.cluster_id AND q.query = e.query
