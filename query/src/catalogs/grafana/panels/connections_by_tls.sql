-- title: Connections with and without TLS
-- group: security
-- severity: warning
-- question: How many connections were encrypted, and how many were not?
-- param from timestamp: only what was at or after this time
-- param to timestamp: only what was before this time
-- param cluster text: only this cluster
-- column hour time: hour
-- column kind name: TLS or plaintext
-- column connections count: connections that logged in
-- chart lines: x=hour y=connections series=kind
-- do: `plaintext_sessions` on the dashboard Security says who connects without TLS, and from where.
SELECT DATE_TRUNC('hour', recordtime) AS hour,
       CASE WHEN COALESCE(BTRIM(sslversion), '') = '' THEN 'plaintext' ELSE 'TLS' END AS kind,
       COUNT(*) AS connections
FROM stl_connection_log
WHERE BTRIM(event) = 'authenticated'
  AND (:from IS NULL OR recordtime >= :from)
  AND (:to IS NULL OR recordtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY 1, 2
ORDER BY 1, 2
