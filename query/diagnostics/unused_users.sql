-- title: Users that nobody uses
-- group: security
-- severity: warning
-- question: Which users exist and have not logged in for a long time?
-- param to timestamp: as of this time; now, if it is not given
-- param cluster text: only this cluster
-- param days int = 90: days without a log-in
-- param top int = 50: users shown, longest unused first
-- column cluster_id name: cluster
-- column username name: user
-- column is_superuser name: yes or no, as of the last change of the user; empty if the lake has none
-- column created date: day on which the user was made; empty if the lake does not reach back
-- column last_login date: last day on which the user logged in; empty if none is in the lake
-- column days_unused days: since then; without a log-in, since the user was made
-- chart bars: x=cluster_id,username y=days_unused
-- do: Take the rights away first (ALTER USER ... PASSWORD DISABLE, or CONNECTION LIMIT 0), and drop the user after a month of silence. Begin with superusers.
-- do: Only as old as the lake: `lookback status` says since when stl_connection_log and stl_userlog are covered. Users that were made before and never logged in since are not in any log.
WITH changes AS (
  SELECT cluster_id,
         userid,
         BTRIM(username) AS username,
         BTRIM(action) AS action,
         usesuper,
         recordtime
  FROM stl_userlog
  WHERE recordtime < COALESCE(:to, GETDATE())
    AND (:cluster IS NULL OR cluster_id = :cluster)
),
last_changes AS (
  SELECT *
  FROM changes
  QUALIFY ROW_NUMBER() OVER (PARTITION BY cluster_id, userid ORDER BY recordtime DESC, action) = 1
),
creations AS (
  SELECT cluster_id, userid, MIN(recordtime) AS created
  FROM changes
  WHERE action = 'create'
  GROUP BY cluster_id, userid
),
logins AS (
  SELECT cluster_id,
         REGEXP_REPLACE(BTRIM(username), '^IAMA?R?:', '') AS username,
         MAX(recordtime) AS last_login
  FROM stl_connection_log
  WHERE BTRIM(event) = 'authenticated'
    AND recordtime < COALESCE(:to, GETDATE())
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, REGEXP_REPLACE(BTRIM(username), '^IAMA?R?:', '')
),
users AS (
  SELECT COALESCE(last_changes.cluster_id, logins.cluster_id) AS cluster_id,
         COALESCE(last_changes.username, logins.username) AS username,
         last_changes.action,
         last_changes.usesuper,
         creations.created,
         logins.last_login
  FROM last_changes
  LEFT JOIN creations ON creations.cluster_id = last_changes.cluster_id AND creations.userid = last_changes.userid
  FULL JOIN logins ON logins.cluster_id = last_changes.cluster_id AND logins.username = last_changes.username
),
idle AS (
  SELECT *, DATEDIFF(day, COALESCE(last_login, created), COALESCE(:to, GETDATE())) AS days_unused
  FROM users
  WHERE COALESCE(action, '') <> 'drop'
    AND username <> 'rdsdb'
)
SELECT cluster_id,
       query_excerpt(username, 32) AS username,
       CASE WHEN usesuper IS NULL THEN NULL WHEN usesuper <> 0 THEN 'yes' ELSE 'no' END AS is_superuser,
       CAST(created AS DATE) AS created,
       CAST(last_login AS DATE) AS last_login,
       days_unused
FROM idle
WHERE days_unused >= :days
ORDER BY days_unused DESC, cluster_id, username
LIMIT :top
