-- title: Changes of users and rights
-- group: security
-- severity: info
-- question: Who gave or took which rights, and which users were made, changed or dropped?
-- param from timestamp: only changes at or after this time
-- param to timestamp: only changes before this time
-- param cluster text: only this cluster
-- param top int = 50: changes shown, newest first
-- column cluster_id name: cluster
-- column at time: when
-- column by_userid id: who did it; empty if the statement is not in the lake
-- column kind name: GRANT, REVOKE, or create, alter, drop, rename of a user
-- column username name: the user that was changed
-- column superuser name: yes if the user is a superuser afterwards
-- column text text: beginning of the statement
-- do: Every line should have a ticket. Look first at superuser, at GRANT ALL, and at grants TO PUBLIC.
-- do: Statements longer than 200 characters are put together from their fragments; select text FROM stl_utilitytext for the whole.
WITH statements AS (
  SELECT cluster_id, xid, userid, starttime, endtime, sequence, text FROM stl_utilitytext
  UNION ALL
  SELECT cluster_id, xid, userid, starttime, endtime, sequence, text FROM stl_ddltext
),
grants AS (
  SELECT cluster_id,
         xid,
         MIN(userid) AS userid,
         endtime AS at,
         string_agg(text, '' ORDER BY sequence) AS text
  FROM statements
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, xid, starttime, endtime
),
users AS (
  SELECT cluster_id,
         xid,
         recordtime AS at,
         BTRIM(action) AS kind,
         BTRIM(username) AS username,
         CASE WHEN usesuper <> 0 THEN 'yes' ELSE 'no' END AS superuser
  FROM stl_userlog
  WHERE (:from IS NULL OR recordtime >= :from)
    AND (:to IS NULL OR recordtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
),
authors AS (
  SELECT cluster_id, xid, MIN(userid) AS userid, MIN(text) AS text
  FROM grants
  WHERE UPPER(text) LIKE '%USER%'
  GROUP BY cluster_id, xid
),
changes AS (
  SELECT cluster_id,
         at,
         userid AS by_userid,
         UPPER(SPLIT_PART(query_excerpt(text, 40), ' ', 1)) AS kind,
         NULL AS username,
         NULL AS superuser,
         text
  FROM grants
  WHERE UPPER(SPLIT_PART(query_excerpt(text, 40), ' ', 1)) IN ('GRANT', 'REVOKE')
  UNION ALL
  SELECT users.cluster_id, users.at, authors.userid, users.kind, users.username, users.superuser, authors.text
  FROM users
  LEFT JOIN authors ON authors.cluster_id = users.cluster_id AND authors.xid = users.xid
)
SELECT cluster_id,
       DATE_TRUNC('second', at) AS at,
       by_userid,
       query_excerpt(kind, 8) AS kind,
       query_excerpt(username, 16) AS username,
       superuser,
       query_excerpt(text, 36) AS text
FROM changes
ORDER BY at DESC, cluster_id, kind, username, text
LIMIT :top
