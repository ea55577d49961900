-- shows: optimizer alerts
-- source: SVCS_ALERT_EVENT_LOG and STL_ALERT_EVENT_LOG in the Database Developer Guide
-- lacks: what ran on concurrency scaling clusters
SELECT DISTINCT userid, query, segment, step, pid, xid, event, solution, event_time, cluster_id, log_date
FROM stl_alert_event_log
