-- asks: who opens sessions without closing them?
-- from: what AWS's view of leaked sessions needs: ordering by an expression over both sides of an outer join
WITH began AS (SELECT username, COUNT(*) AS n FROM stl_connection_log WHERE event = 'initiating session' GROUP BY 1),
     ended AS (SELECT username, COUNT(*) AS n FROM stl_connection_log WHERE event = 'disconnecting session' GROUP BY 1)
SELECT b.username, b.n AS connects, e.n AS disconnects
FROM began AS b LEFT OUTER JOIN ended AS e ON b.username = e.username
ORDER BY b.n - COALESCE(e.n, 0) DESC, 1;
-- = bob,1,
-- = carol,1,
-- = alice,1,1
