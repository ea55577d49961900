-- asks: which kinds of queries run, and how long?
-- from: what the Database Developer Guide's queries on SYS_QUERY_HISTORY ask
SELECT query_type, status, COUNT(*), AVG(elapsed_time) / 1000000 AS seconds, SUM(queue_time) AS waited
FROM sys_query_history
WHERE start_time >= '2026-01-01' AND result_cache_hit = false
GROUP BY query_type, status
ORDER BY query_type, status;
-- = COPY,failed,1,100,40000000
-- = INSERT,success,1,30,0
-- = SELECT,success,3,44,24000000
-- = UTILITY,success,1,1,
