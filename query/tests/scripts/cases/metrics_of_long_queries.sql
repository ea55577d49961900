-- asks: what did the long queries use?
-- from: what scripts of administrators need: joins in WHERE, a product of literals, all columns of one side
SELECT l.query, m.query_cpu_time, l.elapsed / (1000*1000) AS secs, l.source_query
FROM svl_qlog l, svl_query_metrics_summary m
WHERE l.query = m.query AND l.userid = m.userid AND l.cluster_id = m.cluster_id AND l.elapsed > 1000*1000*25
ORDER BY l.elapsed DESC;
-- = 2,300,120,
-- = 2,20,30,
