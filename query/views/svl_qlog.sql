-- shows: queries, as a readable subset of STL_QUERY
-- source: SVL_QLOG in the Database Developer Guide; the number before the words of concurrency_scaling_status_txt as clusters print it
-- differs: source_query and from_sp_call are NULL, because no STL table says which results came from the cache or which
-- differs: procedure made the call; concurrency_scaling_status_txt tells main and concurrency scaling cluster apart, not the
-- differs: reasons that statuses above 1 stand for
SELECT userid, query, xid, pid, starttime, endtime, DATEDIFF(microsecond, starttime, endtime) AS elapsed, aborted, label,
       SUBSTRING(querytxt, 1, 60) AS "substring", CAST(NULL AS BIGINT) AS source_query,
       CASE WHEN concurrency_scaling_status = 1 THEN '1 - Ran on a concurrency scaling cluster'
            WHEN concurrency_scaling_status >= 0 THEN concurrency_scaling_status || ' - Ran on the main cluster'
       END AS concurrency_scaling_status_txt,
       CAST(NULL AS BIGINT) AS from_sp_call, cluster_id, log_date
FROM stl_query
