-- The clusters that were ever exported.
SELECT DISTINCT cluster_id FROM lookback_export_runs WHERE cluster_id IS NOT NULL ORDER BY 1
