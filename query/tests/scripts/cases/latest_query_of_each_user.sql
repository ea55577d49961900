-- asks: what did each user run last?
-- from: dashboards: QUALIFY, and an alias in it
SELECT cluster_id, userid, query, ROW_NUMBER() OVER (PARTITION BY cluster_id, userid ORDER BY starttime DESC) AS rn
FROM stl_query WHERE userid > 1 QUALIFY rn = 1 ORDER BY 1, 2;
-- = bi,200,2,1
-- = etl,100,2,1
-- = etl,101,3,1
