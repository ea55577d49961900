WITH numbered AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY account_id, region, collector ORDER BY started_at DESC, run_id DESC) AS age
  FROM collection_runs
  WHERE status <> 'gap'
)
SELECT account_id,
       region,
       collector,
       MAX(watermark) AS watermark,
       MAX(CASE WHEN status = 'ok' THEN COALESCE(window_to, finished_at) END) AS last_complete,
       MAX(started_at) AS last_run,
       MAX(CASE WHEN age = 1 THEN status END) AS last_status,
       MAX(CASE WHEN age = 1 THEN error END) AS last_error,
       MAX(CASE WHEN age = 1 THEN access_errors END) AS access_errors,
       COUNT(*) AS runs,
       SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed,
       COALESCE(SUM("rows"), 0) AS rows_new
FROM numbered
GROUP BY account_id, region, collector
ORDER BY account_id, region, collector
