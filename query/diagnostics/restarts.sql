-- title: Restarts
-- group: cluster
-- severity: critical
-- question: When did clusters restart or resize so that sessions had to be moved, and who was connected?
-- param from timestamp: only restarts at or after this time
-- param to timestamp: only restarts before this time
-- param cluster text: only this cluster
-- param top int = 20: restarts shown, newest first
-- column cluster_id name: cluster
-- column at time: minute in which sessions came back
-- column sessions count: sessions that were restarted
-- column users count: different users of these
-- column hosts count: different hosts of these
-- column parked_s seconds: the longest time that a session was parked
-- column usernames text: users, in alphabetical order
-- chart bars: x=cluster_id,at y=sessions
-- do: Restarts in the maintenance window are patches; others are reboots, resizes, or failures of a node: compare with the cluster's events (aws redshift describe-events).
-- do: Queries that ran at that time were cancelled: failed_queries with from and to shows them.
WITH sessions AS (
  SELECT cluster_id,
         DATE_TRUNC('minute', currenttime) AS at,
         BTRIM(username) AS username,
         BTRIM(remotehost) AS remotehost,
         newpid,
         DATEDIFF(ms, parkedtime, currenttime)::float8 / 1000 AS parked_s
  FROM stl_restarted_sessions
  WHERE (:from IS NULL OR currenttime >= :from)
    AND (:to IS NULL OR currenttime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
),
names AS (
  SELECT DISTINCT cluster_id, at, username FROM sessions
),
lists AS (
  SELECT cluster_id, at, string_agg(username, ', ' ORDER BY username) AS usernames
  FROM names
  GROUP BY cluster_id, at
),
restarts AS (
  SELECT cluster_id,
         at,
         COUNT(DISTINCT newpid) AS sessions,
         COUNT(DISTINCT username) AS users,
         COUNT(DISTINCT remotehost) AS hosts,
         MAX(parked_s) AS parked_s
  FROM sessions
  GROUP BY cluster_id, at
)
SELECT restarts.cluster_id,
       restarts.at,
       restarts.sessions,
       restarts.users,
       restarts.hosts,
       ROUND(restarts.parked_s, 1) AS parked_s,
       query_excerpt(lists.usernames, 40) AS usernames
FROM restarts
JOIN lists ON lists.cluster_id = restarts.cluster_id AND lists.at = restarts.at
ORDER BY restarts.at DESC, restarts.cluster_id
LIMIT :top
