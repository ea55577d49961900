-- asks: how long do the slower half of the queries take, by hour?
-- from: what AWS's view of durations needs: NTILE, DATEPART, a quoted alias that begins with a digit
SELECT database, hh, COUNT(*) n, AVG(CASE WHEN tile IN (2, 3) THEN ms ELSE NULL END)::int "2nd_half"
FROM (SELECT database, DATEPART(hour, starttime) AS hh, DATEDIFF(milliseconds, starttime, endtime) ms,
             NTILE(2) OVER (PARTITION BY database ORDER BY DATEDIFF(milliseconds, starttime, endtime)) tile
      FROM stl_query WHERE starttime >= '2026-01-01') b
GROUP BY 1, 2 ORDER BY 1, 2;
-- = bi,10,1,
-- = bi,12,1,120000
-- = dev,10,2,30000
-- = dev,11,2,100000
