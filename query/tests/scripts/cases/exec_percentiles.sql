-- asks: how long do queries of each queue run?
-- from: dashboards: PERCENTILE_CONT and APPROXIMATE COUNT(DISTINCT)
SELECT service_class, (PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total_exec_time))::bigint AS p50,
       APPROXIMATE COUNT(DISTINCT userid) AS users
FROM stl_wlm_query GROUP BY 1 ORDER BY 1;
-- = 6,18000000,2
-- = 7,60000000,1
