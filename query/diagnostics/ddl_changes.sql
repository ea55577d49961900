-- title: Changes of tables, by whom
-- group: security
-- severity: info
-- question: Who creates, alters and drops what, how often, and when last?
-- param from timestamp: only statements at or after this time
-- param to timestamp: only statements before this time
-- param cluster text: only this cluster
-- param top int = 50: lines shown, newest first
-- column cluster_id name: cluster
-- column userid id: who did it
-- column username name: name of the user, as far as the log of sessions has it
-- column kind name: first two words of the statement
-- column statements count: statements
-- column first_at time: the first in the period
-- column last_at time: the last in the period
-- column last_text text: beginning of the last one
-- chart bars: x=cluster_id,username,kind y=statements
-- do: Look for users who should only read. Tables that a job creates and drops all the time are better temporary tables: they cost commits (commit_queue).
WITH statements AS (
  SELECT cluster_id,
         userid,
         xid,
         starttime,
         endtime,
         query_excerpt(string_agg(text, '' ORDER BY sequence), 200) AS text
  FROM stl_ddltext
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, userid, xid, pid, starttime, endtime
),
kinds AS (
  SELECT cluster_id,
         userid,
         UPPER(BTRIM(SPLIT_PART(text, ' ', 1) || ' ' || SPLIT_PART(text, ' ', 2))) AS kind,
         endtime,
         text
  FROM statements
),
ranked AS (
  SELECT kinds.*, ROW_NUMBER() OVER (PARTITION BY cluster_id, userid, kind ORDER BY endtime DESC, text) AS from_last
  FROM kinds
),
users AS (
  SELECT cluster_id, userid, MAX(BTRIM(user_name)) AS username
  FROM stl_sessions
  GROUP BY cluster_id, userid
)
SELECT ranked.cluster_id,
       ranked.userid,
       query_excerpt(MAX(users.username), 14) AS username,
       query_excerpt(ranked.kind, 16) AS kind,
       COUNT(*) AS statements,
       DATE_TRUNC('minute', MIN(ranked.endtime)) AS first_at,
       DATE_TRUNC('minute', MAX(ranked.endtime)) AS last_at,
       query_excerpt(MAX(CASE WHEN ranked.from_last = 1 THEN ranked.text END), 12) AS last_text
FROM ranked
LEFT JOIN users ON users.cluster_id = ranked.cluster_id AND users.userid = ranked.userid
GROUP BY ranked.cluster_id, ranked.userid, ranked.kind
ORDER BY last_at DESC, cluster_id, userid, kind
LIMIT :top
