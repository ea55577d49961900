-- asks: which statements take most time, and what did the planner complain about?
-- from: what AWS's scripts on top queries need: LISTAGG, MD5, casts, a derived table without an alias
SELECT cluster_id, MAX(LEFT(txt, 20)) AS txt, COUNT(query) AS runs, SUM(secs) AS "sum", MAX(starttime)::date AS last_day, aborted,
       LISTAGG(complaint, ', ') WITHIN GROUP (ORDER BY query) AS complaints
FROM (SELECT q.cluster_id, q.query, q.starttime, q.aborted, TRIM(q.querytxt) AS txt, MD5(TRIM(q.querytxt)) AS hash,
             DATEDIFF(seconds, q.starttime, q.endtime)::numeric(12,2) AS secs,
             DECODE(a.head, 'Very selective query filter', 'Filter', 'Nested Loop Join in the query plan', 'Loop', a.head) complaint
      FROM stl_query q
      LEFT OUTER JOIN (SELECT DISTINCT cluster_id, query, TRIM(SPLIT_PART(event, ':', 1)) AS head FROM stl_alert_event_log) a
        ON a.cluster_id = q.cluster_id AND a.query = q.query
      WHERE q.userid <> 1 AND q.starttime >= DATEADD(day, -7, current_date))
GROUP BY cluster_id, hash, aborted
ORDER BY "sum" DESC LIMIT 50;
-- = bi,"select * from big a,",1,120.00,2026-01-07,0,Loop
-- = etl,copy sales from 's3:,1,100.00,2026-01-07,1,
-- = etl,insert into sales se,1,30.00,2026-01-07,0,
-- = etl,select count(*) from,1,10.00,2026-01-07,0,Filter
-- = bi,select count(*) from,1,4.00,2026-01-07,0,
