-- shows: the text of queries, in pieces of 4000 characters
-- source: SYS_QUERY_TEXT in the Database Developer Guide; STL_QUERYTEXT and STL_QUERY
-- lacks: statements without a query id, such as DDL; SVL_STATEMENTTEXT has them
-- differs: query_id is the id in STL_QUERY, which is not always that of SYS views; start_time is NULL for the text of a query that
-- differs: STL_QUERY does not have
SELECT t.userid AS user_id, t.query AS query_id, t.xid AS transaction_id, t.pid AS session_id, q.starttime AS start_time,
       t.piece AS "sequence", t.text, t.query_uuid, t.cluster_id, t.log_date
FROM stl_query q
RIGHT JOIN (
    SELECT cluster_id, log_date, userid, query, xid, pid, "sequence" / 20 AS piece, MAX(query_uuid) AS query_uuid,
           LISTAGG(text) WITHIN GROUP (ORDER BY "sequence") AS text
    FROM stl_querytext
    GROUP BY cluster_id, log_date, userid, query, xid, pid, "sequence" / 20
) t ON q.cluster_id = t.cluster_id AND q.query = t.query AND q.xid = t.xid AND q.pid = t.pid
