-- New rows by cluster, table and day.
SELECT cluster_id, table_name, CAST(window_to AS DATE) AS day, SUM(rows_new) AS rows_new
FROM lookback_export_runs
WHERE kind <> 'compact' AND outcome <> 'failed'
  AND window_to >= :from AND window_to < :to
  AND :clusters
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
