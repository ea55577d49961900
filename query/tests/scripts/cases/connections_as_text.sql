-- asks: who connected?
-- from: what exporters of audit logs need: TO_CHAR of a time
SELECT TO_CHAR(recordtime, 'YYYY/MM/DD HH24:MI:SS') AS at, username FROM STL_CONNECTION_LOG
WHERE recordtime >= '2026-01-07 09:10' AND recordtime < '2026-01-07 10:00' ORDER BY recordtime;
-- = 2026/01/07 09:15:00,carol
-- = 2026/01/07 09:30:00,bob
