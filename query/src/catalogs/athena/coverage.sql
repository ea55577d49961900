-- Until when each table of each cluster is exported completely, and how many holes were recorded.
SELECT cluster_id,
       table_name,
       MAX(covered_until) AS covered_until,
       MAX(CASE WHEN outcome <> 'failed' THEN started_at END) AS last_success,
       SUM(rows_new) AS rows_new,
       COUNT(gap_from) AS gaps,
       SUM(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) AS failed
FROM ${database}."lookback_export_runs"
WHERE kind <> 'compact'
GROUP BY cluster_id, table_name
