-- asks: what did each queue do in each hour?
-- from: what AWS's scripts on queues need: USING over several columns, DECODE, CONVERT_TIMEZONE, a union of aggregates
SELECT w.cluster_id, DATE_TRUNC('hour', CONVERT_TIMEZONE('utc', 'utc', w.exec_start_time)) AS hour, w.service_class AS "Q",
       SUM(DECODE(w.final_state, 'Completed', 1, 'Evicted', 0, 0)) AS done, AVG(w.total_queue_time / 1000000)::int AS avg_wait,
       MAX(m.query_temp_blocks_to_disk) AS spill, SUM(m.scan_row_count) AS scanned
FROM svl_query_metrics_summary AS m RIGHT JOIN stl_wlm_query AS w USING (cluster_id, userid, service_Class, query)
WHERE service_class > 5 GROUP BY 1, 2, 3
UNION ALL
SELECT l.cluster_id, DATE_TRUNC('hour', l.starttime), 0, SUM(DECODE(l.aborted, 1, 0, 1)), 0, 0, 0
FROM svl_qlog l WHERE l.source_query IS NOT NULL GROUP BY 1, 2
ORDER BY 1, 2 DESC, 3;
-- = bi,2026-01-07 12:00:00,6,1,20,0,4000
-- = bi,2026-01-07 10:00:00,6,1,0,,
-- = etl,2026-01-07 11:00:00,7,0,40,,
-- = etl,2026-01-07 10:00:00,6,2,2,2048,6000
