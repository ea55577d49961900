-- asks: which share of the time does each cluster have?
-- from: dashboards: RATIO_TO_REPORT over an aggregate
SELECT cluster_id, ROUND(100 * RATIO_TO_REPORT(seconds) OVER ())::int AS pct
FROM (SELECT cluster_id, SUM(total_exec_time) / 1000000 AS seconds FROM stl_wlm_query GROUP BY 1) x ORDER BY 1;
-- = bi,52
-- = etl,48
