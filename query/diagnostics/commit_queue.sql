-- title: Commit queue
-- group: queues
-- severity: warning
-- question: In which hours do transactions wait for their commit, and how long does a commit take?
-- param from timestamp: only commits that ended at or after this time
-- param to timestamp: only commits that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: hours shown, longest waits first
-- column cluster_id name: cluster
-- column hour time: hour in which they ended
-- column commits count: transactions
-- column queue_s seconds: waiting for the commit, all of them together
-- column work_s seconds: committing, all of them together
-- column longest_queue_s seconds: the longest wait
-- column longest_work_s seconds: the longest commit
-- column peak_queue count: transactions in the queue at its longest
-- chart bars: x=cluster_id,hour y=queue_s
-- do: Commits are made one after the other: write in fewer and larger transactions, put many small statements between BEGIN and COMMIT, and load with COPY in place of INSERT.
-- do: Temporary tables need no commit of their own: CREATE TEMPORARY TABLE in place of tables that are dropped again.
SELECT cluster_id,
       DATE_TRUNC('hour', endtime) AS hour,
       COUNT(DISTINCT xid) AS commits,
       ROUND(SUM(DATEDIFF(us, startqueue, startwork))::float8 / 1000000, 2) AS queue_s,
       ROUND(SUM(DATEDIFF(us, startwork, endtime))::float8 / 1000000, 2) AS work_s,
       ROUND(MAX(DATEDIFF(us, startqueue, startwork))::float8 / 1000000, 2) AS longest_queue_s,
       ROUND(MAX(DATEDIFF(us, startwork, endtime))::float8 / 1000000, 2) AS longest_work_s,
       MAX(queuelen) AS peak_queue
FROM stl_commit_stats
WHERE (:from IS NULL OR endtime >= :from)
  AND (:to IS NULL OR endtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
  AND node = -1
GROUP BY cluster_id, DATE_TRUNC('hour', endtime)
ORDER BY queue_s DESC NULLS LAST, cluster_id, hour
LIMIT :top
