-- asks: who is still connected?
-- from: what AWS's view of open sessions needs: an outer join of two derived tables, NULL where nothing was found
SELECT i.cluster_id, i.username, DECODE(o.recordtime, NULL, 'open', 'closed') AS state, i.recordtime AS began, o.recordtime AS ended
FROM (SELECT * FROM stl_connection_log WHERE event = 'initiating session') i
LEFT OUTER JOIN (SELECT cluster_id, pid, remoteport, recordtime FROM stl_connection_log WHERE event = 'disconnecting session') o
  ON (i.cluster_id = o.cluster_id AND i.pid = o.pid AND i.remoteport = o.remoteport)
ORDER BY began;
-- = etl,alice,closed,2026-01-07 09:00:00,2026-01-07 10:30:00
-- = bi,carol,open,2026-01-07 09:15:00,
-- = etl,bob,open,2026-01-07 09:30:00,
