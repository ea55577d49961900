-- shows: the text of every statement, in pieces of 200 characters
-- source: SVL_STATEMENTTEXT in the Database Developer Guide: STL_DDLTEXT, STL_UTILITYTEXT, and STL_QUERYTEXT joined with STL_QUERY
-- differs: label, starttime and endtime are NULL for the text of a query that STL_QUERY does not have
SELECT userid, xid, pid, label, starttime, endtime, "sequence", 'DDL' AS type, text, cluster_id, log_date
FROM stl_ddltext
UNION ALL
SELECT userid, xid, pid, label, starttime, endtime, "sequence", 'UTILITY', text, cluster_id, log_date
FROM stl_utilitytext
UNION ALL
SELECT t.userid, t.xid, t.pid, q.label, q.starttime, q.endtime, t."sequence", 'QUERY', t.text, t.cluster_id, t.log_date
FROM stl_query q
RIGHT JOIN stl_querytext t ON q.cluster_id = t.cluster_id AND q.query = t.query AND q.xid = t.xid AND q.pid = t.pid
