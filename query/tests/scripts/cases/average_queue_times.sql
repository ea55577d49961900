-- asks: how long do queries of each queue wait and run?
-- from: what the Database Developer Guide's queries on STL_WLM_QUERY need: an alias in WHERE, date parts in the plural
SELECT service_class AS svc_class, COUNT(*) AS n, AVG(DATEDIFF(microseconds, queue_start_time, queue_end_time))::bigint AS waiting,
       AVG(DATEDIFF(microseconds, exec_start_time, exec_end_time))::bigint AS running
FROM stl_wlm_query
WHERE svc_class BETWEEN 6 AND 13
GROUP BY service_class
ORDER BY svc_class;
-- = 6,4,6000000,35000000
-- = 7,1,40000000,60000000
