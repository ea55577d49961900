-- Alerts by the table whose scan raised them.
WITH alerts AS (
  SELECT cluster_id, query, segment, step, BTRIM(SPLIT_PART(event, ':', 1)) AS alert
  FROM stl_alert_event_log
  WHERE event_time >= :from AND event_time < :to
    AND :clusters
),
scans AS (
  SELECT cluster_id, query, segment, step, MAX(BTRIM(perm_table_name)) AS table_name
  FROM stl_scan
  WHERE perm_table_name NOT LIKE 'Internal Worktable%'
    AND endtime >= DATEADD(day, -1, :from) AND endtime < DATEADD(day, 1, :to)
    AND :clusters
  GROUP BY 1, 2, 3, 4
)
SELECT alerts.cluster_id,
       COALESCE(scans.table_name, '(a join)') AS table_name,
       alerts.alert,
       COUNT(*) AS alerts,
       COUNT(DISTINCT alerts.query) AS queries
FROM alerts
LEFT JOIN scans ON scans.cluster_id = alerts.cluster_id
               AND scans.query = alerts.query
               AND scans.segment = alerts.segment
               AND scans.step = alerts.step
GROUP BY 1, 2, 3
ORDER BY 4 DESC, 1, 2, 3
LIMIT 16
