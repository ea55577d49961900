-- asks: which sessions are open?
-- from: what the Database Developer Guide's query on STL_CONNECTION_LOG needs, with the cluster: NOT EXISTS instead of NOT IN
SELECT cluster_id, username, remotehost || ':' || remoteport AS client FROM stl_connection_log c
WHERE event = 'initiating session'
  AND NOT EXISTS (SELECT 1 FROM stl_connection_log d
                  WHERE d.cluster_id = c.cluster_id AND d.pid = c.pid AND d.event = 'disconnecting session')
ORDER BY recordtime DESC;
-- = etl,bob,10.0.0.2:5002
-- = bi,carol,10.0.1.1:6001
