-- shows: plan nodes of queries as numbers
-- source: SVCS_PLAN_INFO and STL_PLAN_INFO in the Database Developer Guide
-- lacks: what ran on concurrency scaling clusters
SELECT userid, query, nodeid, segment, step, locus, plannode, startupcost, totalcost, "rows", bytes, cluster_id, log_date
FROM stl_plan_info
