-- asks: the same without the cluster, as a script for one cluster has it: query 2 of the other cluster is found, too
-- from: what the Database Developer Guide's query on nested loops needs: IN over a subquery
SELECT cluster_id, query FROM stl_query
WHERE query IN (SELECT query FROM stl_alert_event_log WHERE SUBSTRING(event, 1, 6) = 'Nested')
ORDER BY starttime DESC;
-- = bi,2
-- = etl,2
