-- title: Long transactions
-- group: cluster
-- severity: warning
-- question: Which transactions stayed open longest, and how much of that time did they only wait for their program?
-- param from timestamp: only transactions whose last query ended at or after this time
-- param to timestamp: only transactions whose last query ended before this time
-- param cluster text: only this cluster
-- param min_minutes int = 10: only transactions that were open for at least this long
-- param top int = 20: transactions shown
-- column cluster_id name: cluster
-- column xid id: number of the transaction
-- column userid id: who ran it
-- column began time: start of its first query
-- column open_s seconds: from there to the end of its last query
-- column busy_s seconds: time of its queries together
-- column idle_s seconds: open_s without busy_s
-- column queries count: queries
-- column last_text text: beginning of its last query
-- chart bars: x=cluster_id,xid y=open_s
-- do: A transaction that stays open holds its locks and keeps deleted rows from VACUUM. Large idle_s: the program thinks, or waits for a person, between BEGIN and COMMIT.
-- do: Commit after each unit of work, turn on autocommit in tools that only read, and see transaction_conflicts for what it cost.
WITH numbered AS (
  SELECT cluster_id,
         xid,
         userid,
         starttime,
         endtime,
         querytxt,
         ROW_NUMBER() OVER (PARTITION BY cluster_id, xid ORDER BY endtime DESC, query DESC) AS from_last
  FROM stl_query
  WHERE (:from IS NULL OR endtime >= DATEADD(day, -7, :from))
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
    AND xid > 0
    AND userid > 1
),
transactions AS (
  SELECT cluster_id,
         xid,
         MIN(userid) AS userid,
         MIN(starttime) AS began,
         MAX(endtime) AS ended,
         DATEDIFF(ms, MIN(starttime), MAX(endtime))::float8 / 1000 AS open_s,
         SUM(DATEDIFF(ms, starttime, endtime))::float8 / 1000 AS busy_s,
         COUNT(*) AS queries,
         MAX(CASE WHEN from_last = 1 THEN querytxt END) AS last_text
  FROM numbered
  GROUP BY cluster_id, xid
)
SELECT cluster_id,
       xid,
       userid,
       DATE_TRUNC('second', began) AS began,
       ROUND(open_s, 1) AS open_s,
       ROUND(busy_s, 1) AS busy_s,
       ROUND(GREATEST(open_s - busy_s, 0), 1) AS idle_s,
       queries,
       query_excerpt(last_text, 30) AS last_text
FROM transactions
WHERE (:from IS NULL OR ended >= :from)
  AND open_s >= 60 * :min_minutes
ORDER BY open_s DESC, cluster_id, xid
LIMIT :top
