-- asks: which plans were made without statistics?
-- from: what the Database Developer Guide's query on statistics needs: grouping by a column that an alias hides
SELECT LEFT(TRIM(plannode), 30) AS plannode, COUNT(*) AS plans, MIN(cluster_id)
FROM stl_explain
WHERE plannode LIKE '%missing statistics%' AND plannode NOT LIKE '%health_check%'
GROUP BY plannode
ORDER BY 2 DESC;
-- = ----- Tables missing statistic,1,bi
