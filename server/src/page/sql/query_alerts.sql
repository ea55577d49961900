-- What the planner and the execution complained about in one query.
SELECT MIN(event_time) AS at, segment, step, BTRIM(event) AS event, BTRIM(solution) AS solution, COUNT(*) AS times
FROM stl_alert_event_log
WHERE cluster_id = :cluster AND query = :query
GROUP BY segment, step, BTRIM(event), BTRIM(solution)
ORDER BY 1, 2, 3
