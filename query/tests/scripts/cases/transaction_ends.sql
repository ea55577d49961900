-- asks: how did each transaction end?
-- from: what AWS's view of reads and writes needs: a union in a derived table without an alias, ILIKE
SELECT cluster_id, xid, MAX(outcome) AS outcome, MAX(endtime) AS ended
FROM (SELECT cluster_id, xid, endtime, 'committed' AS outcome FROM stl_commit_stats WHERE node = -1
      UNION ALL
      SELECT cluster_id, xid, endtime, 'rolled back' FROM stl_utilitytext WHERE text ILIKE '%Rollback%' OR text ILIKE '%abort%'
      UNION ALL
      SELECT cluster_id, xid, endtime, 'committed' FROM stl_utilitytext WHERE text ILIKE 'commit%')
GROUP BY cluster_id, xid;
-- = etl,12,committed,2026-01-07 10:05:33
