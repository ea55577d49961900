-- shows: the largest values of each completed query's metrics
-- source: SVL_QUERY_METRICS_SUMMARY in the Database Developer Guide
-- differs: as SVL_QUERY_METRICS; return_row_count is what the client got (step type 37), and only where that step was not
-- differs: sampled what the compute nodes returned (38)
SELECT userid, query, service_class,
       MAX(query_cpu_time) AS query_cpu_time, MAX(query_blocks_read) AS query_blocks_read,
       MAX(query_execution_time) AS query_execution_time, CAST(NULL AS DECIMAL(38, 2)) AS query_cpu_usage_percent,
       MAX(query_temp_blocks_to_disk) AS query_temp_blocks_to_disk, MAX(segment_execution_time) AS segment_execution_time,
       MAX(cpu_skew) AS cpu_skew, MAX(io_skew) AS io_skew, MAX(scan_row_count) AS scan_row_count,
       MAX(join_row_count) AS join_row_count, MAX(nested_loop_join_row_count) AS nested_loop_join_row_count,
       COALESCE(MAX(CASE WHEN step = 37 THEN return_row_count END), MAX(return_row_count)) AS return_row_count,
       MAX(spectrum_scan_row_count) AS spectrum_scan_row_count, MAX(spectrum_scan_size_mb) AS spectrum_scan_size_mb,
       MAX(query_queue_time) AS query_queue_time, cluster_id, log_date
FROM svl_query_metrics
GROUP BY cluster_id, log_date, userid, query, service_class
