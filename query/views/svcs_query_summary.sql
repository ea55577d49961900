-- shows: steps of queries, over all slices
-- source: SVCS_QUERY_SUMMARY and SVL_QUERY_SUMMARY in the Database Developer Guide
-- lacks: what ran on concurrency scaling clusters
-- differs: as SVL_QUERY_SUMMARY
SELECT userid, query, stm, seg, step, maxtime, avgtime, "rows", bytes, rate_row, rate_byte, label, is_diskbased, workmem, is_rrscan,
       is_delayed_scan, rows_pre_filter, cluster_id, log_date
FROM svl_query_summary
