-- asks: in which of these hours did nothing begin?
-- from: scripts that make a calendar of a series of numbers
WITH hours AS (SELECT DATEADD(hour, generate_series(9, 12), '2026-01-07'::timestamp) AS hour)
SELECT h.hour FROM hours h
LEFT JOIN stl_query q ON DATE_TRUNC('hour', q.starttime) = h.hour
GROUP BY h.hour HAVING COUNT(q.query) = 0 ORDER BY 1;
-- = 2026-01-07 09:00:00
