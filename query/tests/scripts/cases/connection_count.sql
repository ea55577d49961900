-- asks: how many sessions are open? Process 1001 of one cluster hides that of the other
-- from: what exporters of metrics need: a comment in the statement, NOT IN, !=
SELECT /* metrics */ COUNT(event) AS sessions FROM stl_connection_log
WHERE event = 'initiating session' AND username != 'rdsdb'
  AND pid NOT IN (SELECT pid FROM stl_connection_log WHERE event = 'disconnecting session');
-- = 1
