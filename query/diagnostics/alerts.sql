-- title: Alerts of the planner
-- group: tables
-- severity: warning
-- question: What does Redshift itself warn about, how often, and what does it suggest?
-- param from timestamp: only alerts at or after this time
-- param to timestamp: only alerts before this time
-- param cluster text: only this cluster
-- param top int = 20: kinds of alert shown
-- column cluster_id name: cluster
-- column alert name: kind of alert
-- column times count: how often; one query can raise it on every slice
-- column queries count: different queries
-- column suggestion text: what Redshift suggests
-- chart bars: x=cluster_id,alert y=times
-- do: Begin with the kind that has most queries. alerts_by_table says at which table, hourly_alerts since when.
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
