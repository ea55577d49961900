-- asks: when did each cluster come up?
-- from: what AWS's view of restarts needs: SYSDATE beside a column
SELECT cluster_id, SYSDATE now, endtime AS up FROM stl_utilitytext WHERE userid = 1 AND text LIKE '%xen_is_up%' ORDER BY 3 DESC;
-- = bi,2026-01-08 12:00:00,2026-01-06 04:00:01
-- = etl,2026-01-08 12:00:00,2026-01-05 03:00:01
