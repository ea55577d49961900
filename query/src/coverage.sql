WITH numbered AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_id, table_name ORDER BY started_at DESC, covered_until DESC) AS age
  FROM lookback_export_runs
  WHERE kind <> 'compact'
)
SELECT cluster_id,
       table_name,
       MAX(covered_until) AS covered_until,
       MAX(started_at) AS last_run,
       MAX(CASE WHEN kind = 'export' AND outcome <> 'failed' THEN started_at END) AS last_success,
       MAX(CASE WHEN age = 1 THEN outcome END) AS last_outcome,
       MAX(CASE WHEN age = 1 THEN error END) AS last_error,
       COUNT(*) AS runs,
       SUM(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END) AS failed,
       COALESCE(SUM(rows_new), 0) AS rows_new,
       COUNT(gap_from) AS gaps
FROM numbered
GROUP BY cluster_id, table_name
ORDER BY cluster_id, table_name
