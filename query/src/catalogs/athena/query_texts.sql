-- The whole text of each query, put together from its fragments.
SELECT cluster_id,
       log_date,
       query,
       MIN(xid) AS xid,
       MIN(userid) AS userid,
       COUNT(*) AS fragments,
       array_join(array_agg("text" ORDER BY "sequence"), '') AS querytext
FROM ${database}."stl_querytext"
GROUP BY cluster_id, log_date, query
