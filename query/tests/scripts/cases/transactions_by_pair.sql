-- asks: what else ran in the transaction of a query?
-- from: scripts of administrators: a pair of columns IN a subquery
SELECT cluster_id, query FROM stl_query q
WHERE (q.pid, q.xid) IN (SELECT pid, xid FROM stl_query WHERE query = 1 LIMIT 2) ORDER BY 1, 2;
-- = bi,1
-- = etl,1
