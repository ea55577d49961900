-- shows: steps of queries, over all slices
-- source: SYS_QUERY_DETAIL in the Database Developer Guide; SVL_QUERY_REPORT, STL_STREAM_SEGS and STL_ALERT_EVENT_LOG
-- lacks: the rows of streams, segments and whole queries (metrics_level other than 'step'), and steps of child queries under their parent
-- differs: query_id is the id in STL_QUERY, which is not always that of SYS views; step_name is that of SVL_QUERY_REPORT, which shortens
-- differs: 'aggregate' and others; input_rows are the rows before filters, of scans only; table_name is that of scans; blocks, reads, skews,
-- differs: spilled blocks, source, attributes and plan nodes are NULL; log_date is the day of the query in STL_QUERY
SELECT s.userid AS user_id, s.query AS query_id, CAST(1 AS BIGINT) AS child_query_sequence, g.stream AS stream_id,
       s.segment AS segment_id, s.step AS step_id, s.step_name, s.table_id, s.table_name, s.is_rrscan, s.start_time, s.end_time,
       DATEDIFF(microsecond, s.start_time, s.end_time) AS duration, a.alert, CAST(0 AS BIGINT) AS input_bytes, s.input_rows,
       s.output_bytes, s.output_rows, CAST(NULL AS BIGINT) AS blocks_read, CAST(NULL AS BIGINT) AS blocks_write,
       CAST(NULL AS BIGINT) AS local_read_io, CAST(NULL AS BIGINT) AS remote_read_io, CAST(NULL AS VARCHAR) AS source,
       CAST(NULL AS BIGINT) AS data_skewness, CAST(NULL AS BIGINT) AS time_skewness, 'f' AS is_active,
       CAST(NULL AS BIGINT) AS spilled_block_local_disk, CAST(NULL AS BIGINT) AS spilled_block_remote_disk,
       CAST(NULL AS VARCHAR) AS step_attribute, 'step' AS metrics_level, CAST(NULL AS BIGINT) AS plan_parent_id,
       CAST(NULL AS BIGINT) AS plan_node_id, CAST(NULL AS VARCHAR) AS query_uuid, s.cluster_id, q.log_date
FROM (SELECT DISTINCT cluster_id, query, log_date FROM stl_query) q
RIGHT JOIN (
    SELECT cluster_id, userid, query, segment, step, SPLIT_PART(label, ' ', 1) AS step_name,
           CAST(NULLIF(REGEXP_SUBSTR(REGEXP_SUBSTR(label, 'tbl=[0-9]+'), '[0-9]+'), '') AS BIGINT) AS table_id,
           NULLIF(SPLIT_PART(label, ' name=', 2), '') AS table_name, MAX(is_rrscan) AS is_rrscan,
           MIN(start_time) AS start_time, MAX(end_time) AS end_time, CAST(SUM(rows_pre_filter) AS BIGINT) AS input_rows,
           CAST(SUM(bytes) AS BIGINT) AS output_bytes, CAST(SUM("rows") AS BIGINT) AS output_rows
    FROM svl_query_report
    GROUP BY cluster_id, userid, query, segment, step, label
) s ON q.cluster_id = s.cluster_id AND q.query = s.query
LEFT JOIN stl_stream_segs g ON g.cluster_id = s.cluster_id AND g.query = s.query AND g.segment = s.segment
LEFT JOIN (
    SELECT cluster_id, query, segment, step, MAX(event) AS alert
    FROM stl_alert_event_log
    GROUP BY cluster_id, query, segment, step
) a ON a.cluster_id = s.cluster_id AND a.query = s.query AND a.segment = s.segment AND a.step = s.step
