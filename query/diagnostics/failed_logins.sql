-- title: Failed log-ins
-- group: security
-- severity: critical
-- question: Who failed to log in, from where, how often, and did it work in the end?
-- param from timestamp: only attempts at or after this time
-- param to timestamp: only attempts before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most failures first
-- column cluster_id name: cluster
-- column username name: user that was tried
-- column remotehost name: where it came from
-- column failures count: failed attempts
-- column days count: days with failed attempts
-- column first_at time: first failure in the period
-- column last_at time: last failure in the period
-- column successes count: log-ins of the same user from the same host in the period
-- chart bars: x=cluster_id,username,remotehost y=failures
-- do: Many failures and then a success from a host that you do not know: treat the password as stolen.
-- do: The same failures every few minutes are a job with an old password. Many users from one host are somebody who tries names: close the security group.
SELECT cluster_id,
       query_excerpt(username, 20) AS username,
       query_excerpt(remotehost, 22) AS remotehost,
       SUM(CASE WHEN BTRIM(event) = 'authentication failure' THEN 1 ELSE 0 END) AS failures,
       COUNT(DISTINCT CASE WHEN BTRIM(event) = 'authentication failure' THEN CAST(recordtime AS DATE) END) AS days,
       DATE_TRUNC('second', MIN(CASE WHEN BTRIM(event) = 'authentication failure' THEN recordtime END)) AS first_at,
       DATE_TRUNC('second', MAX(CASE WHEN BTRIM(event) = 'authentication failure' THEN recordtime END)) AS last_at,
       SUM(CASE WHEN BTRIM(event) = 'authenticated' THEN 1 ELSE 0 END) AS successes
FROM stl_connection_log
WHERE (:from IS NULL OR recordtime >= :from)
  AND (:to IS NULL OR recordtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, query_excerpt(username, 20), query_excerpt(remotehost, 22)
HAVING SUM(CASE WHEN BTRIM(event) = 'authentication failure' THEN 1 ELSE 0 END) > 0
ORDER BY failures DESC, cluster_id, username, remotehost
LIMIT :top
