-- title: Transactions that were cancelled by a conflict
-- group: cluster
-- severity: warning
-- question: On which tables do transactions get in each other's way, and how much work was lost?
-- param from timestamp: only conflicts at or after this time
-- param to timestamp: only conflicts before this time
-- param cluster text: only this cluster
-- param top int = 20: tables shown, most conflicts first
-- column cluster_id name: cluster
-- column table_id id: number of the table
-- column table_name name: its name, as far as a scan has it
-- column conflicts count: transactions that were cancelled
-- column lost_s seconds: from their start to the cancellation, together
-- column longest_s seconds: the longest of them
-- column first_at time: first conflict in the period
-- column last_at time: last conflict in the period
-- chart bars: x=cluster_id,table_name y=conflicts
-- do: Error 1023 (serializable isolation violation): two transactions write to the table that the other one reads. Set the database to SNAPSHOT isolation, or LOCK the table at the begin of both.
-- do: Make the transactions shorter (long_transactions), and repeat the one that was cancelled: its work was undone.
WITH conflicts AS (
  SELECT cluster_id,
         table_id,
         COUNT(*) AS conflicts,
         SUM(DATEDIFF(ms, xact_start_ts, abort_time))::float8 / 1000 AS lost_s,
         MAX(DATEDIFF(ms, xact_start_ts, abort_time))::float8 / 1000 AS longest_s,
         MIN(abort_time) AS first_at,
         MAX(abort_time) AS last_at
  FROM stl_tr_conflict
  WHERE (:from IS NULL OR abort_time >= :from)
    AND (:to IS NULL OR abort_time < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, table_id
),
names AS (
  SELECT cluster_id, tbl AS table_id, MAX(BTRIM(perm_table_name)) AS table_name
  FROM stl_scan
  WHERE tbl > 0 AND perm_table_name NOT LIKE 'Internal Worktable%'
  GROUP BY cluster_id, tbl
)
SELECT conflicts.cluster_id,
       conflicts.table_id,
       query_excerpt(names.table_name, 24) AS table_name,
       conflicts.conflicts,
       ROUND(conflicts.lost_s, 1) AS lost_s,
       ROUND(conflicts.longest_s, 1) AS longest_s,
       DATE_TRUNC('second', conflicts.first_at) AS first_at,
       DATE_TRUNC('second', conflicts.last_at) AS last_at
FROM conflicts
LEFT JOIN names ON names.cluster_id = conflicts.cluster_id AND names.table_id = conflicts.table_id
ORDER BY conflicts.conflicts DESC, conflicts.cluster_id, conflicts.table_id
LIMIT :top
