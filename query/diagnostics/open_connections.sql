-- title: Connections that are never closed
-- group: security
-- severity: warning
-- question: Which users and programs leave connections open, and for how long?
-- param from timestamp: only connections begun at or after this time
-- param to timestamp: as of this time; now, if it is not given
-- param cluster text: only this cluster
-- param hours int = 24: only connections that have been open for at least this long
-- param top int = 20: lines shown, most connections first
-- column cluster_id name: cluster
-- column username name: user
-- column remotehost name: where it came from
-- column application name: name that the program gives itself
-- column open count: connections begun and not ended
-- column oldest time: begin of the oldest one
-- column oldest_h hours: how long that one has been open
-- column newest time: begin of the newest one
-- chart bars: x=cluster_id,username,remotehost y=open
-- do: A number that grows from day to day is a leak: set a maximal lifetime in the program's pool, or ALTER USER ... SESSION TIMEOUT.
-- do: A restart of the cluster ends connections without a line in the log: compare oldest with restarts.
WITH events AS (
  SELECT cluster_id,
         pid,
         recordtime,
         BTRIM(event) AS event,
         BTRIM(username) AS username,
         BTRIM(remotehost) AS remotehost,
         BTRIM(application_name) AS application_name
  FROM stl_connection_log
  WHERE recordtime < COALESCE(:to, GETDATE())
    AND (:from IS NULL OR recordtime >= :from)
    AND (:cluster IS NULL OR cluster_id = :cluster)
    AND BTRIM(event) IN ('initiating session', 'disconnecting session')
),
last_events AS (
  SELECT *
  FROM events
  QUALIFY ROW_NUMBER() OVER (PARTITION BY cluster_id, pid ORDER BY recordtime DESC, event) = 1
)
SELECT cluster_id,
       query_excerpt(username, 18) AS username,
       query_excerpt(remotehost, 22) AS remotehost,
       query_excerpt(application_name, 14) AS application,
       COUNT(*) AS open,
       DATE_TRUNC('second', MIN(recordtime)) AS oldest,
       DATEDIFF(hour, MIN(recordtime), COALESCE(:to, GETDATE())) AS oldest_h,
       DATE_TRUNC('second', MAX(recordtime)) AS newest
FROM last_events
WHERE event = 'initiating session'
  AND username <> 'rdsdb'
  AND recordtime <= DATEADD(hour, 0 - :hours, COALESCE(:to, GETDATE()))
GROUP BY cluster_id, query_excerpt(username, 18), query_excerpt(remotehost, 22), query_excerpt(application_name, 14)
ORDER BY open DESC, oldest, cluster_id, username, remotehost, application
LIMIT :top
