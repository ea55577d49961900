-- The plan of one query.
SELECT nodeid, parentid, plannode, info
FROM stl_explain
WHERE cluster_id = :cluster AND query = :query
ORDER BY nodeid
