-- asks: when was a disk full? A number of microseconds since 2000 becomes a time
-- from: what health checks of administrators need: TIMESTAMP 'epoch' and a number of intervals
SELECT d.node_num, d.query_id, TIMESTAMP 'epoch' + ((d.currenttime/1000000) + 946684800) * INTERVAL '1 second' AS at, q.aborted
FROM stl_disk_full_diag d LEFT JOIN stl_query q ON q.cluster_id = d.cluster_id AND q.query = d.query_id
ORDER BY 3 LIMIT 25;
-- = 0,2,2026-01-07 10:05:20,0
