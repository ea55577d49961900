-- asks: how long was a session idle before each query?
-- from: dashboards: LAG inside a function
SELECT cluster_id, query, DATEDIFF(second, LAG(endtime) OVER (PARTITION BY cluster_id, pid ORDER BY starttime), starttime) AS idle
FROM stl_query WHERE pid = 1001 ORDER BY 1, 2;
-- = bi,1,
-- = bi,2,7196
-- = etl,1,
-- = etl,2,290
