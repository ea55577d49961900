SELECT DISTINCT account_id, region, collector, window_from AS gap_from, window_to AS gap_to
FROM collection_runs
WHERE status = 'gap' AND window_from IS NOT NULL AND window_to IS NOT NULL
ORDER BY account_id, region, collector, gap_from, gap_to
