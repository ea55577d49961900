-- asks: which queries have an alert, and which ran without a queue?
-- from: scripts with EXISTS beside columns
SELECT q.cluster_id, q.query,
       EXISTS (SELECT 1 FROM stl_alert_event_log a WHERE a.cluster_id = q.cluster_id AND a.query = q.query) AS alerted,
       CASE WHEN NOT EXISTS (SELECT w.query FROM stl_wlm_query w WHERE w.cluster_id = q.cluster_id AND w.query = q.query)
            THEN 'no queue' END AS queue
FROM stl_query q
WHERE q.starttime > '2026-01-01'
ORDER BY 1, 2;
-- = bi,1,false,
-- = bi,2,true,
-- = etl,1,true,
-- = etl,2,false,
-- = etl,3,false,
-- = etl,4,false,no queue
