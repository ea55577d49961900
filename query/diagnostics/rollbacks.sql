-- title: Transactions that were undone
-- group: cluster
-- severity: info
-- question: Which transactions were rolled back, and how long did it take to undo their work?
-- param from timestamp: only rollbacks that ended at or after this time
-- param to timestamp: only rollbacks that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: rollbacks shown, longest first
-- column cluster_id name: cluster
-- column xid id: transaction that was undone
-- column userid id: whose it was
-- column table_id id: table that was changed back
-- column began time: begin of the undoing
-- column undo_s seconds: how long it took
-- column queries count: queries of that transaction
-- column last_text text: beginning of its last query
-- chart bars: x=cluster_id,xid y=undo_s
-- do: Undoing keeps the table locked and can take as long as the work itself. Find out with failed_queries why the work was cancelled.
WITH undone AS (
  SELECT cluster_id,
         xact_id_undone AS xid,
         table_id,
         MIN(userid) AS userid,
         MIN(undo_start_ts) AS began,
         DATEDIFF(ms, MIN(undo_start_ts), MAX(undo_end_ts))::float8 / 1000 AS undo_s
  FROM stl_undone
  WHERE (:from IS NULL OR undo_end_ts >= :from)
    AND (:to IS NULL OR undo_end_ts < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, xact_id_undone, table_id
),
numbered AS (
  SELECT cluster_id,
         xid,
         querytxt,
         ROW_NUMBER() OVER (PARTITION BY cluster_id, xid ORDER BY endtime DESC, query DESC) AS from_last
  FROM stl_query
  WHERE :cluster IS NULL OR cluster_id = :cluster
),
queries AS (
  SELECT cluster_id, xid, COUNT(*) AS queries, MAX(CASE WHEN from_last = 1 THEN querytxt END) AS last_text
  FROM numbered
  GROUP BY cluster_id, xid
)
SELECT undone.cluster_id,
       undone.xid,
       undone.userid,
       undone.table_id,
       DATE_TRUNC('second', undone.began) AS began,
       ROUND(undone.undo_s, 1) AS undo_s,
       queries.queries,
       query_excerpt(queries.last_text, 36) AS last_text
FROM undone
LEFT JOIN queries ON queries.cluster_id = undone.cluster_id AND queries.xid = undone.xid
ORDER BY undo_s DESC NULLS LAST, cluster_id, xid, table_id
LIMIT :top
