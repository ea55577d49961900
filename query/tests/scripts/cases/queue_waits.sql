-- asks: which queries waited longest?
-- from: what the Database Developer Guide's query on queues needs: an outer join that a filter makes an inner one, mixed case
SELECT TRIM(q.database) AS DB, w.cluster_id, w.query, w.service_class AS class, w.slot_count slots,
       w.total_queue_time / 1000000 AS waited, (w.total_Queue_time + w.Total_exec_time) / 1000000 total
FROM stl_wlm_query w LEFT JOIN stl_query q ON (q.cluster_id, q.query) = (w.cluster_id, w.query) AND q.userid = w.userid
WHERE w.total_queue_time > 0 AND q.starttime >= DATEADD(day, -7, CURRENT_DATE) AND w.userid > 1
ORDER BY w.total_queue_time DESC, w.queue_start_time DESC LIMIT 35;
-- = dev,etl,3,7,1,40,100
-- = bi,bi,2,6,5,20,120
-- = dev,etl,1,6,1,4,10
