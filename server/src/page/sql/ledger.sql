-- Until when each table of each cluster is covered.
SELECT cluster_id,
       table_name,
       MIN(CASE WHEN outcome <> 'failed' THEN window_from END) AS covered_from,
       MAX(covered_until) AS covered_until,
       MAX(started_at) AS last_run
FROM lookback_export_runs
WHERE kind <> 'compact' AND :until AND :clusters
GROUP BY 1, 2
ORDER BY 1, 2
