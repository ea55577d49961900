-- asks: moments, which Redshift takes from any table that is long enough
-- from: what AWS's scripts on slots need: ROW_NUMBER over nothing, LIMIT in a derived table, a number of intervals
WITH numbers AS (SELECT ROW_NUMBER() OVER () AS n FROM stl_scan LIMIT 3)
SELECT n, sysdate - (n * interval '5 second') AS moment FROM (SELECT n FROM numbers) ORDER BY n;
-- = 1,2026-01-08 11:59:55
-- = 2,2026-01-08 11:59:50
-- = 3,2026-01-08 11:59:45
