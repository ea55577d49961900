-- title: Analyze by table
-- group: tables
-- severity: info
-- question: Which tables are analyzed, by whom, how long does it take, and how much had changed?
-- param from timestamp: only analyzes that ended at or after this time
-- param to timestamp: only analyzes that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: tables shown, most time first
-- column cluster_id name: cluster
-- column table_id id: number of the table
-- column table_name name: its name
-- column runs count: analyzes that read the table
-- column skipped count: analyzes that found too few changes
-- column automatic count: those that Redshift started by itself
-- column took_s seconds: time of all of them together
-- column changed_pct percent: rows that had changed since the one before, at most
-- column last_at time: end of the last one that read the table
-- chart bars: x=cluster_id,table_name y=took_s
-- do: Many runs by jobs with few changes: leave it to automatic analyze, or raise analyze_threshold_percent.
-- do: A high changed_pct says that plans are made with old statistics for a long time: analyze after each load.
SELECT cluster_id,
       table_id,
       query_excerpt(MAX(BTRIM(schema_name) || '.' || BTRIM(table_name)), 32) AS table_name,
       SUM(CASE WHEN status LIKE 'Skipped%' THEN 0 ELSE 1 END) AS runs,
       SUM(CASE WHEN status LIKE 'Skipped%' THEN 1 ELSE 0 END) AS skipped,
       SUM(CASE WHEN is_auto = 't' OR is_background = 't' THEN 1 ELSE 0 END) AS automatic,
       ROUND(SUM(DATEDIFF(ms, starttime, endtime))::float8 / 1000, 1) AS took_s,
       ROUND(MAX(100 * modified_rows / NULLIF(rows, 0)), 1) AS changed_pct,
       DATE_TRUNC('second', MAX(CASE WHEN status LIKE 'Skipped%' THEN NULL ELSE endtime END)) AS last_at
FROM stl_analyze
WHERE (:from IS NULL OR endtime >= :from)
  AND (:to IS NULL OR endtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, table_id
ORDER BY took_s DESC NULLS LAST, cluster_id, table_id
LIMIT :top
