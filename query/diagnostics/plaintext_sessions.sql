-- title: Sessions without TLS
-- question: Who connected to which cluster without encryption, from where, and with what program?
-- param from timestamp: only connections at or after this time
-- param to timestamp: only connections before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most connections first
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
