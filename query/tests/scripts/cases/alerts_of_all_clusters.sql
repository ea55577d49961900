-- asks: which alerts are there, whatever the slice?
-- from: SVCS_ALERT_EVENT_LOG in the Database Developer Guide
SELECT query, SUBSTRING(event, 0, 25) AS event, SUBSTRING(solution, 0, 25) AS solution, TRIM(event_time) AS event_time
FROM svcs_alert_event_log
ORDER BY query;
-- = 1,Very selective query fil,Review the choice of sor,2026-01-07 10:00:04
-- = 2,Nested Loop Join in the ,Review the join predicat,2026-01-07 12:00:20
