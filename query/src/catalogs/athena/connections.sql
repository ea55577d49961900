-- Connections that logged in, and whether they were encrypted.
SELECT cluster_id,
       log_date,
       recordtime,
       pid,
       TRIM(username) AS username,
       TRIM(dbname) AS dbname,
       TRIM(remotehost) AS remotehost,
       TRIM(application_name) AS application_name,
       COALESCE(TRIM(sslversion), '') <> '' AS encrypted,
       TRIM(sslversion) AS sslversion
FROM ${database}."stl_connection_log"
WHERE TRIM(event) = 'authenticated'
