-- asks: how long does a commit wait and work?
-- from: what the Database Developer Guide's query on STL_COMMIT_STATS needs
SELECT xid, DATEDIFF(ms, startwork, endtime) AS work_ms, DATEDIFF(ms, startqueue, startwork) AS wait_ms
FROM stl_commit_stats WHERE node = -1 AND queuelen > 0;
-- = 12,2000,1000
