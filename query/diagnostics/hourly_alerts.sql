-- title: Alerts by hour
-- group: tables
-- severity: warning
-- question: In which hours did alerts of which kind come, for each cluster?
-- param from timestamp: only alerts at or after this time
-- param to timestamp: only alerts before this time
-- param cluster text: only this cluster
-- param rows int = 24: hours shown for each cluster, newest first
-- column cluster_id name: cluster
-- column hour time: hour
-- column alerts count: alerts of all kinds
-- column queries count: different queries that raised one
-- column statistics count: missing planner statistics
-- column nested_loop count: nested loop joins
-- column selective count: very selective filters
-- column deleted count: scans of many deleted rows
-- column network count: large broadcasts and distributions, and serial joins
-- chart lines: x=hour y=alerts series=cluster_id
-- do: Alerts that begin in a certain hour come from something new: compare with ddl_changes and costliest_queries of that hour.
-- do: Alerts at the same hour every day come from one job: alerts_by_table with from and to names its tables.
WITH hours AS (
  SELECT cluster_id,
         DATE_TRUNC('hour', event_time) AS hour,
         COUNT(*) AS alerts,
         COUNT(DISTINCT query) AS queries,
         SUM(CASE WHEN event LIKE 'Missing query planner statistics%' THEN 1 ELSE 0 END) AS statistics,
         SUM(CASE WHEN event LIKE 'Nested Loop Join%' THEN 1 ELSE 0 END) AS nested_loop,
         SUM(CASE WHEN event LIKE 'Very selective%' THEN 1 ELSE 0 END) AS selective,
         SUM(CASE WHEN event LIKE 'Scanned a large number of deleted%' THEN 1 ELSE 0 END) AS deleted,
         SUM(CASE WHEN event LIKE 'Distributed a large%' OR event LIKE 'Broadcasted a large%' OR event LIKE 'DS_DIST_ALL_INNER%'
                  THEN 1 ELSE 0 END) AS network
  FROM stl_alert_event_log
  WHERE (:from IS NULL OR event_time >= :from)
    AND (:to IS NULL OR event_time < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, DATE_TRUNC('hour', event_time)
)
SELECT cluster_id, hour, alerts, queries, statistics, nested_loop, selective, deleted, network
FROM hours
QUALIFY ROW_NUMBER() OVER (PARTITION BY cluster_id ORDER BY hour DESC) <= :rows
ORDER BY cluster_id, hour DESC
