-- asks: what ran since noon of yesterday, and how long after midnight?
-- from: scripts that count days from SYSDATE, or write casts as functions
SELECT cluster_id, query, DATEDIFF(minute, date(starttime), starttime), starttime::datetime - 1 AS day_before
FROM stl_query
WHERE starttime >= SYSDATE - 1 AND starttime < 1 + date('2026-01-07')
ORDER BY date_diff DESC, query
FETCH FIRST 3 ROWS ONLY;
-- = bi,2,720,2026-01-06 12:00:00
