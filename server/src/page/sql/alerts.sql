-- Alerts of the planner by kind and step.
SELECT BTRIM(SPLIT_PART(event, ':', 1)) AS alert, :at AS at, COUNT(*) AS alerts
FROM stl_alert_event_log
WHERE event_time >= :from AND event_time < :to
  AND :clusters
GROUP BY 1, 2
ORDER BY 2, 1
