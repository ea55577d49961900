-- asks: which statements are worth tuning?
-- from: what the Database Developer Guide's query on tuning needs: arithmetic on a cast, a constant counted through an outer join
SELECT cluster_id, COUNT(*) AS runs, ROUND(SUM(minutes), 2)::float AS total, SUM(alerts) AS alerts, aborted
FROM (SELECT s.cluster_id, s.label, MD5(s.querytxt) AS hash, s.aborted, e.one AS alerts,
             (DATEDIFF(seconds, s.starttime, s.endtime)::numeric(12,2)) / 60 AS minutes
      FROM stl_query s
      LEFT OUTER JOIN (SELECT cluster_id, query, 1 AS one FROM stl_alert_event_log GROUP BY cluster_id, query) AS e
        ON e.cluster_id = s.cluster_id AND e.query = s.query
      WHERE s.userid <> 1 AND s.starttime >= DATEADD(day, -7, current_date))
GROUP BY cluster_id, label, hash, aborted
ORDER BY total DESC LIMIT 3;
-- = bi,1,2,1,0
-- = etl,1,1.67,,1
-- = etl,1,0.5,,0
