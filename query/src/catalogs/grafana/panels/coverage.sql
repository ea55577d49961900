-- title: Coverage
-- group: cluster
-- severity: info
-- question: Until when is each table of each cluster exported completely?
-- param cluster text: only this cluster
-- param top int = 50: lines shown, furthest behind first
-- column cluster_id name: cluster
-- column table_name name: table
-- column covered_until time: everything before this moment was read completely
-- column behind_s seconds: from then until now
-- column last_success time: the last run that did not fail
-- column rows_new count: rows that its runs added to the lake
-- column gaps count: holes that were recorded
-- column failed count: runs that failed
-- do: Rows that the cluster purges before they are exported are lost: look at the table that is furthest behind first.
SELECT cluster_id,
       table_name,
       MAX(covered_until) AS covered_until,
       DATEDIFF(second, MAX(covered_until), GETDATE()) AS behind_s,
       MAX(CASE WHEN outcome <> 'failed' THEN started_at END) AS last_success,
       COALESCE(SUM(rows_new), 0) AS rows_new,
       COUNT(gap_from) AS gaps,
       SUM(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) AS failed
FROM lookback_export_runs
WHERE kind <> 'compact'
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, table_name
ORDER BY covered_until, cluster_id, table_name
LIMIT :top
