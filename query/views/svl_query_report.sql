-- shows: completed steps of queries, per slice
-- source: SVL_QUERY_REPORT in the Database Developer Guide: a union of STL tables, one for each kind of step
-- differs: columns that a kind of step does not have are 0 or 'f', as a cluster shows them
SELECT userid, query, slice, segment, step, starttime AS start_time, endtime AS end_time,
       DATEDIFF(microsecond, starttime, endtime) AS elapsed_time, "rows", bytes,
       'aggr   tbl=' || tbl AS label, is_diskbased, workmem,
       'f' AS is_rrscan, 'f' AS is_delayed_scan, 0 AS rows_pre_filter, cluster_id, log_date
FROM stl_aggr
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", bytes,
       'bcast', 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_bcast
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'delete tbl=' || tbl, 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_delete
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", bytes,
       'dist', 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_dist
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", bytes,
       'hash   tbl=' || tbl, is_diskbased, workmem, 'f', 'f', 0, cluster_id, log_date
FROM stl_hash
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'hjoin  tbl=' || tbl, 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_hashjoin
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'insert tbl=' || tbl, 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_insert
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'limit', 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_limit
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'merge', 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_merge
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'mjoin  tbl=' || tbl, 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_mergejoin
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'nloop  tbl=' || tbl, 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_nestloop
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'parse', 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_parse
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'project', 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_project
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", bytes,
       'return', 'f', 0, 'f', 'f', 0, cluster_id, log_date
FROM stl_return
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", bytes,
       'save   tbl=' || tbl, is_diskbased, workmem, 'f', 'f', 0, cluster_id, log_date
FROM stl_save
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", bytes,
       'scan   tbl=' || tbl || CASE WHEN perm_table_name <> '' THEN ' name=' || perm_table_name ELSE '' END, 'f', 0, is_rrscan, is_delayed_scan, rows_pre_filter, cluster_id, log_date
FROM stl_scan
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", bytes,
       'sort   tbl=' || tbl, is_diskbased, workmem, 'f', 'f', 0, cluster_id, log_date
FROM stl_sort
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", bytes,
       'unique', is_diskbased, workmem, 'f', 'f', 0, cluster_id, log_date
FROM stl_unique
UNION ALL
SELECT userid, query, slice, segment, step, starttime, endtime, DATEDIFF(microsecond, starttime, endtime), "rows", 0,
       'window', is_diskbased, workmem, 'f', 'f', 0, cluster_id, log_date
FROM stl_window
