-- title: Is the record whole?
-- group: cluster
-- severity: critical
-- question: How far behind is the table that was exported least recently, and are there holes?
-- param cluster text: only this cluster
-- column behind_s seconds: from the end of what is covered of the table that is furthest behind until now
-- column gaps count: holes that were ever recorded
-- column failed count: runs of the last 24 hours that failed
-- do: `lookback status` says which table of which cluster it is, and how long its rows are still safe from being purged.
WITH covered AS (
  SELECT cluster_id,
         table_name,
         MAX(covered_until) AS covered_until,
         COUNT(gap_from) AS gaps,
         SUM(CASE WHEN outcome = 'failed' AND started_at >= DATEADD(day, -1, GETDATE()) THEN 1 ELSE 0 END) AS failed
  FROM lookback_export_runs
  WHERE kind <> 'compact'
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, table_name
)
SELECT MAX(DATEDIFF(second, covered_until, GETDATE())) AS behind_s,
       COALESCE(SUM(gaps), 0) AS gaps,
       COALESCE(SUM(failed), 0) AS failed
FROM covered
