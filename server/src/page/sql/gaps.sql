-- Time whose rows were purged before they were read.
SELECT DISTINCT cluster_id, table_name, gap_from, gap_to
FROM lookback_export_runs
WHERE gap_from IS NOT NULL AND gap_to IS NOT NULL AND :until AND :clusters
ORDER BY gap_from DESC, cluster_id, table_name
