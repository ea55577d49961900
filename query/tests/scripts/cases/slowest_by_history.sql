-- asks: which queries took longest, and what are their texts?
-- from: what the Database Developer Guide's queries on SYS_QUERY_HISTORY and SYS_QUERY_TEXT ask
SELECT h.cluster_id, h.query_id, h.status, h.queue_time, h.execution_time, h.compute_type, t.text
FROM sys_query_history h
LEFT JOIN sys_query_text t USING (cluster_id, query_id)
WHERE h.user_id > 1
ORDER BY h.elapsed_time DESC
LIMIT 3;
-- = bi,2,success,20000000,100000000,primary-scale,
-- = etl,3,failed,40000000,60000000,primary,
-- = etl,2,success,0,30000000,primary,insert into sales select * from staging
