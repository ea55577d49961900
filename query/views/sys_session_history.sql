-- shows: sessions that ended
-- source: SYS_SESSION_HISTORY and STL_SESSIONS in the Database Developer Guide
-- lacks: sessions that are still open
-- differs: status is 'timeout' for a session that ran into its time limit, and 'closed' for the others
SELECT CAST(userid AS VARCHAR) AS user_id, process AS session_id, db_name AS database_name,
       CASE WHEN timed_out = 1 THEN 'timeout' ELSE 'closed' END AS status, timeout_sec AS session_timeout, starttime AS start_time,
       endtime AS end_time, cluster_id, log_date
FROM stl_sessions
