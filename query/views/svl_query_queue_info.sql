-- shows: time that users' queries spent in queues of workload management and in the commit queue
-- source: SVL_QUERY_QUEUE_INFO in the Database Developer Guide: STL_QUERY, STL_WLM_QUERY and STL_COMMIT_STATS
-- differs: queries that did not wait are there too, with 0: the guide does not say from which time on a query counts as queued
SELECT q.database, w.query, w.xid, w.userid, SUBSTRING(q.querytxt, 1, 100) AS querytxt, w.queue_start_time,
       w.exec_start_time, w.service_class, w.slot_count AS slots, w.total_queue_time / 1000000 AS queue_elapsed,
       w.total_exec_time / 1000000 AS exec_elapsed,
       w.total_queue_time / 1000000 + w.total_exec_time / 1000000 AS wlm_total_elapsed,
       DATEDIFF(microsecond, c.startqueue, c.startwork) / 1000000 AS commit_queue_elapsed,
       DATEDIFF(microsecond, c.startwork, c.endtime) / 1000000 AS commit_exec_time,
       w.service_class_name, w.cluster_id, w.log_date
FROM stl_wlm_query w
JOIN stl_query q ON q.cluster_id = w.cluster_id AND q.query = w.query AND q.userid = w.userid
LEFT JOIN stl_commit_stats c ON c.cluster_id = w.cluster_id AND c.xid = w.xid AND c.node = -1
WHERE w.userid > 1
