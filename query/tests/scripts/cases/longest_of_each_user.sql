-- asks: which query of each user took longest, and did it take more than a minute?
-- from: scripts that rank by a difference of times
SELECT * FROM (
    SELECT cluster_id, userid, query, endtime - starttime > interval '1 minute' AS long,
           RANK() OVER (PARTITION BY cluster_id, userid ORDER BY endtime - starttime DESC) AS place
    FROM stl_query WHERE starttime >= '2026-01-01'
) WHERE place - 1 = 0 ORDER BY cluster_id, userid;
-- = bi,200,2,true,1
-- = etl,1,4,false,1
-- = etl,100,2,false,1
-- = etl,101,3,true,1
