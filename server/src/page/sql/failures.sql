-- Runs that failed, newest first.
SELECT started_at, cluster_id, table_name, kind, error
FROM lookback_export_runs
WHERE outcome = 'failed'
  AND log_date >= :first AND log_date <= :last
  AND started_at >= :from AND started_at < :to
  AND :clusters
ORDER BY started_at DESC, cluster_id, table_name
LIMIT 50
