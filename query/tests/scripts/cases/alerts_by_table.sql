-- asks: which tables cause alerts?
-- from: what the Database Developer Guide's query on alerts needs: ABS of a difference, a cast to whole minutes, order by position
SELECT TRIM(SPLIT_PART(a.event, ':', 1)) AS alert, TRIM(s.perm_table_name) AS table, COUNT(*),
       (SUM(ABS(DATEDIFF(seconds, s.endtime, s.starttime))) / 60)::numeric(24,0) AS minutes
FROM stl_alert_event_log AS a
LEFT JOIN stl_scan AS s ON s.cluster_id = a.cluster_id AND s.query = a.query AND s.slice = a.slice
  AND s.segment = a.segment AND s.step = a.step
WHERE a.event_time >= DATEADD(day, -7, current_Date)
GROUP BY 1, 2
ORDER BY 4 DESC, 3 DESC;
-- = Nested Loop Join in the query plan,big,1,1
-- = Very selective query filter,sales,1,0
