-- What `lookback_fingerprints` holds, for whichever clusters and days the logs are narrowed down to. The logs are joined within
-- a cluster's day, which a file of the rollup is made from: a run whose stay in a service class ended before midnight, and which
-- itself ended after, has no queue time here and is not among wlm_runs.
-- A change here, also of this line, makes every stored day stale, and must be made when fingerprints change. Version 1.
WITH waits AS (
  SELECT cluster_id, log_date, query, SUM(total_queue_time) AS queued, SUM(total_exec_time) AS executed
  FROM stl_wlm_query
  GROUP BY cluster_id, log_date, query
),
-- By query first, so that the waits of a query are counted once even if the log has it twice.
runs AS (
  SELECT cluster_id,
         log_date,
         query,
         userid,
         query_fingerprint(querytxt) AS fingerprint,
         MIN(querytxt) AS example,
         COUNT(*) AS runs,
         SUM(CASE WHEN aborted <> 0 THEN 1 ELSE 0 END) AS aborted,
         COUNT(CASE WHEN starttime > '2000-01-01 00:00:00' AND endtime >= starttime THEN 1 END) AS timed,
         SUM(CASE WHEN starttime > '2000-01-01 00:00:00' AND endtime >= starttime
                  THEN DATEDIFF(us, starttime, endtime) END) AS elapsed,
         MAX(CASE WHEN starttime > '2000-01-01 00:00:00' AND endtime >= starttime
                  THEN DATEDIFF(us, starttime, endtime) END) AS longest,
         MIN(starttime) AS first_seen,
         MAX(starttime) AS last_seen
  FROM stl_query
  GROUP BY cluster_id, log_date, query, userid, query_fingerprint(querytxt)
),
sums AS (
  SELECT runs.cluster_id,
         runs.log_date,
         runs.fingerprint,
         MIN(runs.example) AS example,
         SUM(runs.runs) AS runs,
         SUM(runs.aborted) AS aborted,
         SUM(runs.timed) AS timed,
         COALESCE(SUM(runs.elapsed), 0) AS elapsed_us,
         MAX(runs.longest) AS longest_us,
         COUNT(waits.query) AS wlm_runs,
         COALESCE(SUM(waits.queued), 0) AS queue_us,
         MAX(waits.queued) AS longest_queue_us,
         COALESCE(SUM(waits.executed), 0) AS exec_us,
         COUNT(DISTINCT runs.userid) AS users,
         MIN(runs.first_seen) AS first_seen,
         MAX(runs.last_seen) AS last_seen,
         MIN(runs.query) AS example_query
  FROM runs
  LEFT JOIN waits ON waits.cluster_id = runs.cluster_id AND waits.log_date = runs.log_date AND waits.query = runs.query
  GROUP BY runs.cluster_id, runs.log_date, runs.fingerprint
)
SELECT cluster_id,
       log_date,
       fingerprint,
       query_shape(example) AS shape,
       runs,
       aborted,
       timed,
       elapsed_us,
       longest_us,
       wlm_runs,
       queue_us,
       longest_queue_us,
       exec_us,
       users,
       first_seen,
       last_seen,
       example_query
FROM sums
