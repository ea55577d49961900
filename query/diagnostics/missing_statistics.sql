-- title: Tables without statistics
-- group: tables
-- severity: warning
-- question: Which tables does the planner join without statistics, and how many queries suffer from it?
-- param from timestamp: only queries of the day of this time, or later ones
-- param to timestamp: only queries of days before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most queries first
-- column cluster_id name: cluster
-- column tables name: tables that the plan names, as it names them
-- column queries count: different queries
-- column first_day date: first day in the period, UTC
-- column last_day date: last day in the period, UTC
-- chart bars: x=cluster_id,tables y=queries
-- do: Run ANALYZE on these tables, and after each load into them (COPY does it by itself with STATUPDATE ON).
-- do: Without statistics the planner guesses sizes: it then hashes or broadcasts the wrong side, which shows in disk_spill and redistributed_rows.
SELECT cluster_id,
       query_excerpt(BTRIM(SPLIT_PART(plannode, 'missing statistics:', 2), ' -'), 60) AS tables,
       COUNT(DISTINCT query) AS queries,
       MIN(log_date) AS first_day,
       MAX(log_date) AS last_day
FROM stl_explain
WHERE plannode LIKE '%missing statistics:%'
  AND plannode NOT LIKE '%redshift_auto_health_check%'
  AND (:from IS NULL OR log_date >= CAST(:from AS DATE))
  AND (:to IS NULL OR log_date < CAST(:to AS DATE))
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, query_excerpt(BTRIM(SPLIT_PART(plannode, 'missing statistics:', 2), ' -'), 60)
ORDER BY queries DESC, cluster_id, tables
LIMIT :top
