-- title: Alerts by table, with the fix
-- group: tables
-- severity: warning
-- question: Which tables do the alerts of the planner come from, and what mends each of them?
-- param from timestamp: only alerts at or after this time
-- param to timestamp: only alerts before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most queries first
-- column cluster_id name: cluster
-- column table_name name: table whose scan raised the alert; empty if it was another step
-- column alert name: kind of alert
-- column queries count: different queries
-- column times count: how often; one query can raise it on every slice
-- column last_at time: the last time
-- column fix text: what mends it
-- chart bars: x=cluster_id,table_name,alert y=queries
-- do: Work through the fixes from the top; each of them is one statement, but a new sort or distribution key rewrites the table, so do it in a quiet hour (load_by_hour).
-- do: Alerts without a table come from joins: take a query from nested_loops or redistributed_rows.
WITH alerts AS (
  SELECT cluster_id,
         query,
         segment,
         step,
         event_time,
         BTRIM(SPLIT_PART(event, ':', 1)) AS alert
  FROM stl_alert_event_log
  WHERE (:from IS NULL OR event_time >= :from)
    AND (:to IS NULL OR event_time < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
),
scans AS (
  SELECT cluster_id, query, segment, step, MAX(BTRIM(perm_table_name)) AS table_name
  FROM stl_scan
  WHERE perm_table_name NOT LIKE 'Internal Worktable%'
  GROUP BY cluster_id, query, segment, step
)
SELECT alerts.cluster_id,
       query_excerpt(scans.table_name, 24) AS table_name,
       query_excerpt(alerts.alert, 24) AS alert,
       COUNT(DISTINCT alerts.query) AS queries,
       COUNT(*) AS times,
       DATE_TRUNC('second', MAX(alerts.event_time)) AS last_at,
       CASE
         WHEN alerts.alert LIKE 'Missing query planner statistics%' THEN 'ANALYZE the table'
         WHEN alerts.alert LIKE 'Nested Loop Join%' THEN 'add a join condition'
         WHEN alerts.alert LIKE 'Very selective%' THEN 'sort key on the filter'
         WHEN alerts.alert LIKE 'Scanned a large number of deleted%' THEN 'VACUUM DELETE ONLY'
         WHEN alerts.alert LIKE 'Distributed a large number%' THEN 'distribute by join key'
         WHEN alerts.alert LIKE 'Broadcasted a large number%' THEN 'distribute by join key'
         WHEN alerts.alert LIKE 'DS_DIST_ALL_INNER%' THEN 'DISTSTYLE KEY or EVEN'
         ELSE 'see alerts'
       END AS fix
FROM alerts
LEFT JOIN scans ON scans.cluster_id = alerts.cluster_id
               AND scans.query = alerts.query
               AND scans.segment = alerts.segment
               AND scans.step = alerts.step
GROUP BY alerts.cluster_id, scans.table_name, alerts.alert
ORDER BY queries DESC, times DESC, alerts.cluster_id, table_name, alert
LIMIT :top
