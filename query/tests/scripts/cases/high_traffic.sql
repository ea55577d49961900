-- asks: how many queries sent many packets?
-- from: what exporters of metrics need: HAVING in a derived table without an alias
SELECT SUM(queries) FROM (SELECT COUNT(DISTINCT query) queries FROM stl_dist
                          WHERE starttime >= GETDATE() - INTERVAL '48 hour' GROUP BY query HAVING SUM(packets) > 1000000);
-- = 1
