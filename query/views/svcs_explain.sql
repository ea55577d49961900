-- shows: plan nodes of queries
-- source: SVCS_EXPLAIN and STL_EXPLAIN in the Database Developer Guide
-- lacks: what ran on concurrency scaling clusters
SELECT userid, query, nodeid, parentid, plannode, info, cluster_id, log_date
FROM stl_explain
