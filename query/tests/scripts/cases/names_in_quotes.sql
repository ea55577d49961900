-- asks: how many steps of plans did each query run?
-- from: scripts with names in quotes, which Redshift takes for lower case
SELECT q."Query", COUNT(*) AS "Steps"
FROM "STL_QUERY" AS "Q"
JOIN "SVL_QUERY_REPORT" r ON r.cluster_id = q.cluster_id AND r."QUERY" = "Q".query
GROUP BY q."QUERY"
ORDER BY steps DESC, "Q"."Query";
-- = 2,5
-- = 1,3
