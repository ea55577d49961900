-- shows: plan nodes of queries
-- source: SYS_QUERY_EXPLAIN in the Database Developer Guide; STL_EXPLAIN
-- differs: query_id is the id in STL_QUERY, which is not always that of SYS views; child_query_sequence is NULL for rows of clusters whose
-- differs: STL_EXPLAIN had no such column yet
SELECT userid, query AS query_id, child_query_sequence, nodeid AS plan_node_id, parentid AS plan_parent_id, plannode AS plan_node,
       info AS plan_info, query_uuid, cluster_id, log_date
FROM stl_explain
