SELECT DISTINCT cluster_id, table_name, gap_from, gap_to
FROM lookback_export_runs
WHERE gap_from IS NOT NULL AND gap_to IS NOT NULL
ORDER BY cluster_id, table_name, gap_from, gap_to
