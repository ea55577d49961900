-- asks: what is the text of each query? It has more than one piece, which a cluster refuses as well
-- from: scripts that look a text up beside each row
SELECT q.query, (SELECT t.text FROM stl_querytext t WHERE t.cluster_id = q.cluster_id AND t.query = q.query)
FROM stl_query q;
-- refused: stands for one value has 2 rows
