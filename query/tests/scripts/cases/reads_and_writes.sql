-- asks: which statement read, wrote or lost which table?
-- from: what AWS's view of reads and writes needs: UNION of groups, grouping by an alias
WITH work AS
  ( SELECT cluster_id, query, tbl, 'read' AS what FROM stl_scan WHERE type = 2 GROUP BY cluster_id, query, tbl
      UNION
    SELECT cluster_id, query, tbl, 'write' FROM stl_insert GROUP BY cluster_id, query, tbl
      UNION
    SELECT cluster_id, query, tbl, 'write' FROM stl_delete GROUP BY cluster_id, query, tbl
      UNION
    SELECT q.cluster_id, q.query, c.table_id AS tbl, 'lost' AS what
    FROM stl_query q LEFT JOIN stl_tr_conflict c ON q.cluster_id = c.cluster_id AND c.xact_id = q.xid
    WHERE q.aborted = 1 GROUP BY q.cluster_id, q.query, tbl
  )
SELECT * FROM work ORDER BY cluster_id, query, what;
-- = bi,2,500,read
-- = etl,1,500,read
-- = etl,2,501,read
-- = etl,2,500,write
-- = etl,3,500,lost
