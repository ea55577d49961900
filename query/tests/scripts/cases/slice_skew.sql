-- asks: is the work spread evenly over the slices?
-- from: what the Database Developer Guide's query on SVL_QUERY_REPORT needs: a float among aggregates, 0 where nothing can be said
SELECT cluster_id, segment, step, COUNT(DISTINCT slice) AS slices,
       CASE WHEN SUM(rows) = 0 THEN 0 ELSE (CAST(MAX(rows) - MIN(rows) AS float) * COUNT(rows)) / SUM(rows) END AS skew
FROM svl_query_report WHERE query = 1
GROUP BY cluster_id, segment, step ORDER BY 1, 2, 3;
-- = etl,0,0,2,0.4
-- = etl,1,1,1,0
