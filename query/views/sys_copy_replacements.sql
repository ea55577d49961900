-- shows: invalid UTF-8 characters that COPY replaced
-- source: SYS_COPY_REPLACEMENTS and STL_REPLACEMENTS in the Database Developer Guide
-- differs: query_id is NULL for rows of clusters whose STL_REPLACEMENTS had no user_query_id yet
SELECT userid AS user_id, user_query_id AS query_id, tbl AS table_id, filename AS file_name, colname AS column_name,
       line_number, raw_line, cluster_id, log_date
FROM stl_replacements
