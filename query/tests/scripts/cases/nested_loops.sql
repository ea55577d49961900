-- asks: which queries join without a condition?
-- from: what the Database Developer Guide's query on nested loops needs, with the cluster: IN over two columns
SELECT cluster_id, query, TRIM(querytxt) AS SQL FROM stl_query
WHERE (cluster_id, query) IN (SELECT cluster_id, query FROM stl_alert_event_log WHERE event LIKE 'Nested Loop%')
ORDER BY starttime DESC;
-- = bi,2,"select * from big a, big b"
