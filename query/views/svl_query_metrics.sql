-- shows: metrics of completed queries at the level of query, segment and step
-- source: SVL_QUERY_METRICS, STL_QUERY_METRICS and the step types of STV_QUERY_METRICS in the Database Developer Guide
-- differs: query_cpu_usage_percent is NULL, because what counts as the whole capacity is not documented
-- differs: segment is -1 for rows about the whole query, as in STL_QUERY_METRICS; query_execution_time is the time of the
-- differs: longest segment, the only time in STL_QUERY_METRICS that is not a sum over slices; rows of hash, merge and nested
-- differs: loop joins count as joined, and rows that reach the leader node or the client as returned
SELECT userid, query, service_class,
       CASE WHEN segment = -1 THEN 'query' WHEN step_type = -1 THEN 'segment' ELSE 'step' END AS dimension,
       segment, step_type AS step,
       CASE step_type
            WHEN 1 THEN 'Scan table' WHEN 2 THEN 'Insert rows' WHEN 3 THEN 'Aggregate rows' WHEN 6 THEN 'Sort step'
            WHEN 7 THEN 'Merge step' WHEN 8 THEN 'Distribution step' WHEN 9 THEN 'Broadcast distribution step'
            WHEN 10 THEN 'Hash join' WHEN 11 THEN 'Merge join' WHEN 12 THEN 'Save step' WHEN 14 THEN 'Hash'
            WHEN 15 THEN 'Nested loop join' WHEN 16 THEN 'Project fields and expressions' WHEN 17 THEN 'Limit the number of rows'
            WHEN 18 THEN 'Unique' WHEN 20 THEN 'Delete rows' WHEN 26 THEN 'Limit the number of sorted row'
            WHEN 29 THEN 'Compute a window function' WHEN 32 THEN 'UDF' WHEN 33 THEN 'Unique'
            WHEN 37 THEN 'Return rows from the leader no' WHEN 38 THEN 'Return rows from the compute n'
            WHEN 40 THEN 'Spectrum scan' END AS step_label,
       CASE WHEN segment = -1 AND step_type = -1 THEN cpu_time / 1000000 END AS query_cpu_time,
       CASE WHEN segment = -1 AND step_type = -1 THEN blocks_read END AS query_blocks_read,
       CASE WHEN segment = -1 AND step_type = -1 THEN max_run_time / 1000000 END AS query_execution_time,
       CAST(NULL AS BIGINT) AS query_cpu_usage_percent,
       CASE WHEN segment = -1 AND step_type = -1 THEN blocks_to_disk END AS query_temp_blocks_to_disk,
       CASE WHEN segment > -1 AND step_type = -1 THEN max_run_time / 1000000 END AS segment_execution_time,
       CAST(CASE WHEN segment > -1 AND step_type = -1
                 THEN CAST(max_cpu_time AS DOUBLE) * slices / NULLIF(cpu_time, 0) END AS DECIMAL(38, 2)) AS cpu_skew,
       CAST(CASE WHEN segment > -1 AND step_type = -1
                 THEN CAST(max_blocks_read AS DOUBLE) * slices / NULLIF(blocks_read, 0) END AS DECIMAL(38, 2)) AS io_skew,
       CASE WHEN step_type = 1 THEN "rows" END AS scan_row_count,
       CASE WHEN step_type IN (10, 11, 15) THEN "rows" END AS join_row_count,
       CASE WHEN step_type = 15 THEN "rows" END AS nested_loop_join_row_count,
       CASE WHEN step_type IN (37, 38) THEN "rows" END AS return_row_count,
       CASE WHEN step_type = 40 THEN "rows" END AS spectrum_scan_row_count,
       CASE WHEN step_type = 40 THEN query_scan_size END AS spectrum_scan_size_mb,
       CASE WHEN segment = -1 AND step_type = -1 THEN query_queue_time / 1000000 END AS query_queue_time,
       cluster_id, log_date
FROM stl_query_metrics
