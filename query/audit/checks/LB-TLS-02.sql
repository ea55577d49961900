-- id: LB-TLS-02
-- version: 1
-- title: Sessions that were readable on the network
-- severity: critical
-- question: Did anyone really connect without TLS, with an old version of it, or with a weak cipher?
-- needs: stl_connection_log
-- window: window
-- do: Passwords and rows of these sessions could be read on the way. Change the passwords, and set sslmode=verify-full in the programs.
-- do: Set require_ssl to true (LB-TLS-01), so that it cannot happen again.
WITH present AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi DESC) AS age
  FROM cluster_encryption_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
-- Logs know a cluster by the name that it had; a name may have had several clusters, one after the other.
lives AS (
  SELECT cluster_namespace_arn, MIN(COALESCE(create_time, start_hi)) AS life_from,
         CASE WHEN MAX(CASE WHEN end_hi IS NULL THEN 1 ELSE 0 END) = 1 THEN NULL ELSE MAX(end_hi) END AS life_to
  FROM cluster_encryption_intervals
  GROUP BY cluster_namespace_arn
),
names AS (
  SELECT i.cluster_identifier, i.cluster_namespace_arn, l.life_from, l.life_to,
         COUNT(DISTINCT i.account_id || '/' || i.region) OVER (PARTITION BY i.cluster_identifier) AS places
  FROM (SELECT DISTINCT cluster_identifier, cluster_namespace_arn, account_id, region FROM cluster_encryption_intervals) AS i
  JOIN lives AS l ON l.cluster_namespace_arn = i.cluster_namespace_arn
),
sessions AS (
  SELECT n.cluster_namespace_arn, n.places, l.cluster_id, l.recordtime, l.pid, BTRIM(l.username) AS username, BTRIM(l.remotehost) AS remotehost,
         BTRIM(l.application_name) AS application, COALESCE(BTRIM(l.sslversion), '') AS sslversion,
         COALESCE(UPPER(BTRIM(l.sslcipher)), '') AS cipher, BTRIM(l.event) = 'authenticated' AS authenticated,
         BTRIM(l.username) = 'rdsdb' OR BTRIM(l.remotehost) IN ('', '127.0.0.1', '::1', '::ffff:127.0.0.1', '[local]', 'localhost') AS internal
  FROM stl_connection_log AS l
  JOIN names AS n
    ON n.cluster_identifier = SPLIT_PART(l.cluster_id, '@', 1)
   AND l.recordtime >= n.life_from AND (n.life_to IS NULL OR l.recordtime < n.life_to)
  WHERE l.recordtime >= :from AND l.recordtime < :to
),
rated AS (
  SELECT *,
         CASE WHEN sslversion = '' THEN 'without TLS'
              WHEN sslversion IN ('SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.0', 'TLSv1.1') THEN 'with ' || sslversion
              WHEN cipher LIKE '%RC4%' OR cipher LIKE '%DES%' OR cipher LIKE '%NULL%' OR cipher LIKE '%EXP%' OR cipher LIKE '%MD5%'
                   OR cipher LIKE '%ADH%' OR cipher LIKE '%AECDH%' THEN 'with the cipher ' || cipher END AS weak
  FROM sessions
),
groups AS (
  SELECT cluster_namespace_arn, username, remotehost, application, weak, COUNT(*) AS times, MIN(recordtime) AS first_at,
         ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY COUNT(*) DESC, username, remotehost, application, weak) AS place
  FROM rated
  WHERE authenticated AND NOT internal AND weak IS NOT NULL
  GROUP BY cluster_namespace_arn, username, remotehost, application, weak
),
found AS (
  SELECT cluster_namespace_arn, SUM(times) AS times, COUNT(*) AS lines, MIN(first_at) AS since,
         LISTAGG(CASE WHEN place <= 5 THEN username || ' from ' || remotehost || CASE WHEN application = '' THEN '' ELSE ' (' || application || ')' END
                   || ' ' || weak || CASE WHEN times = 1 THEN ', once' ELSE ', ' || CAST(times AS VARCHAR) || ' times' END END, '; ') WITHIN GROUP (ORDER BY place) AS story
  FROM groups
  GROUP BY cluster_namespace_arn
),
-- One connection of each line as evidence.
firsts AS (
  SELECT g.cluster_namespace_arn, g.place,
         MIN('{"table":"stl_connection_log","key":{"cluster_id":"' || r.cluster_id || '","pid":' || CAST(r.pid AS VARCHAR) || ',"recordtime":"'
             || TO_CHAR(r.recordtime, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}}') AS evidence
  FROM groups AS g
  JOIN rated AS r
    ON r.cluster_namespace_arn = g.cluster_namespace_arn AND r.recordtime = g.first_at AND r.username = g.username
   AND r.remotehost = g.remotehost AND r.application = g.application AND r.weak = g.weak
  WHERE g.place <= 50
  GROUP BY g.cluster_namespace_arn, g.place
),
proofs AS (
  SELECT cluster_namespace_arn, LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY place) AS evidence
  FROM firsts
  GROUP BY cluster_namespace_arn
),
seen AS (
  SELECT cluster_namespace_arn, MAX(SPLIT_PART(cluster_id, '@', 1)) AS log_name, MAX(places) AS places,
         SUM(CASE WHEN authenticated AND NOT internal THEN 1 ELSE 0 END) AS sessions
  FROM sessions
  GROUP BY cluster_namespace_arn
)
SELECT p.account_id, p.region, p.entity_type, p.cluster_namespace_arn AS entity, COALESCE(s.log_name, p.cluster_identifier) AS entity_name,
       CASE WHEN s.cluster_namespace_arn IS NULL THEN 'UNKNOWN'
            WHEN s.places > 1 THEN 'UNKNOWN'
            WHEN f.times > 0 THEN 'FAIL'
            ELSE 'PASS' END AS verdict,
       CASE WHEN s.cluster_namespace_arn IS NULL
              THEN 'No line of its connection log is in the lake for the window; not even those of Redshift''s own checks, so it was not exported.'
            WHEN s.places > 1 THEN 'Several accounts or regions have a cluster of this name, and its logs do not say which they are from'
              || COALESCE('; found: ' || f.story, '') || '.'
            WHEN f.times > 0 THEN CASE WHEN f.times = 1 THEN 'One session' ELSE CAST(f.times AS VARCHAR) || ' sessions' END || ' could be read on the network: ' || f.story
              || CASE WHEN f.lines > 5 THEN '; and ' || CAST(f.lines - 5 AS VARCHAR) || ' more lines' ELSE '' END || '.'
            ELSE 'All ' || CAST(s.sessions AS VARCHAR) || ' sessions of the window used TLS 1.2 or later with a strong cipher.' END AS reason,
       '[' || COALESCE(o.evidence, p.evidence) || ']' AS evidence,
       f.since
FROM present AS p
LEFT JOIN seen AS s ON s.cluster_namespace_arn = p.cluster_namespace_arn
LEFT JOIN found AS f ON f.cluster_namespace_arn = p.cluster_namespace_arn
LEFT JOIN proofs AS o ON o.cluster_namespace_arn = p.cluster_namespace_arn
WHERE p.age = 1
