-- title: Sessions without TLS
-- group: security
-- severity: critical
-- question: Who connected to which cluster without encryption, from where, and with what program?
-- param from timestamp: only connections at or after this time
-- param to timestamp: only connections before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most connections first
-- column cluster_id name: cluster
-- column username name: user
-- column remotehost name: where it came from
-- column application name: name that the program gives itself
-- column connections count: connections
-- column first_seen date: first day in the period, UTC
-- column last_seen date: last day in the period, UTC
-- chart bars: x=cluster_id,username,remotehost y=connections
-- do: Passwords and rows of these sessions went over the network readable. Set sslmode=verify-full (or ssl=true) in the programs of this list.
-- do: When the list stays empty, set require_ssl to true in the parameter group, so that it stays so.
SELECT cluster_id,
       LEFT(BTRIM(username), 16) AS username,
       LEFT(BTRIM(remotehost), 20) AS remotehost,
       LEFT(BTRIM(application_name), 16) AS application,
       COUNT(*) AS connections,
       CAST(MIN(recordtime) AS DATE) AS first_seen,
       CAST(MAX(recordtime) AS DATE) AS last_seen
FROM stl_connection_log
WHERE BTRIM(event) = 'authenticated'
  AND COALESCE(BTRIM(sslversion), '') = ''
  AND (:from IS NULL OR recordtime >= :from)
  AND (:to IS NULL OR recordtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, LEFT(BTRIM(username), 16), LEFT(BTRIM(remotehost), 20), LEFT(BTRIM(application_name), 16)
ORDER BY connections DESC, cluster_id, username
LIMIT :top
