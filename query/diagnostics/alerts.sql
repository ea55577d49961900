-- title: Alerts of the planner
-- question: What does Redshift itself warn about, how often, and what does it suggest?
-- param from timestamp: only alerts at or after this time
-- param to timestamp: only alerts before this time
-- param cluster text: only this cluster
-- param top int = 20: kinds of alert shown
SELECT cluster_id,
       LEFT(BTRIM(SPLIT_PART(event, ':', 1)), 36) AS alert,
       COUNT(*) AS times,
       COUNT(DISTINCT query) AS queries,
       LEFT(BTRIM(MIN(solution)), 40) AS suggestion
FROM stl_alert_event_log
WHERE (:from IS NULL OR event_time >= :from)
  AND (:to IS NULL OR event_time < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, LEFT(BTRIM(SPLIT_PART(event, ':', 1)), 36)
ORDER BY times DESC, cluster_id, alert
LIMIT :top
