-- shows: the blocks of a table after a vacuum, in percent of those before it
-- source: SVL_VACUUM_PERCENTAGE and STL_VACUUM in the Database Developer Guide
-- differs: log_date is the day on which the vacuum finished
SELECT f.xid, f.table_id, f.blocks * 100 / NULLIF(s.blocks, 0) AS percentage, f.cluster_id, f.log_date
FROM stl_vacuum f
JOIN (SELECT cluster_id, xid, table_id, blocks,
             ROW_NUMBER() OVER (PARTITION BY cluster_id, xid, table_id ORDER BY eventtime) AS n
      FROM stl_vacuum WHERE status LIKE '%Started%') s
  ON s.cluster_id = f.cluster_id AND s.xid = f.xid AND s.table_id = f.table_id AND s.n = 1
WHERE f.status LIKE '%Finished%'
