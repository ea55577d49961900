-- What `lookback_hourly` holds, for whichever clusters and days the logs are narrowed down to. Each log is summed up by itself:
-- a join of the logs would lose what ended on two sides of midnight. 2000-01-01 00:00:00 is Redshift's way to write "never".
-- A change here, also of this line, makes every stored day stale. Version 1.
WITH queries AS (
  SELECT cluster_id,
         log_date,
         DATE_TRUNC('hour', CASE WHEN endtime > '2000-01-01 00:00:00' THEN endtime ELSE starttime END) AS hour,
         "database",
         userid,
         aborted,
         concurrency_scaling_status,
         CASE WHEN starttime > '2000-01-01 00:00:00' AND endtime >= starttime
              THEN DATEDIFF(us, starttime, endtime) END AS elapsed
  FROM stl_query
),
runs AS (
  SELECT cluster_id,
         log_date,
         DATE_TRUNC('hour', CASE WHEN service_class_end_time > '2000-01-01 00:00:00' THEN service_class_end_time
                                 ELSE service_class_start_time END) AS hour,
         userid,
         service_class,
         total_queue_time,
         total_exec_time
  FROM stl_wlm_query
),
scans AS (
  SELECT cluster_id,
         log_date,
         DATE_TRUNC('hour', CASE WHEN endtime > '2000-01-01 00:00:00' THEN endtime ELSE starttime END) AS hour,
         userid,
         "rows" AS scanned,
         bytes
  FROM stl_scan
  WHERE "type" = 2
)
SELECT cluster_id,
       log_date,
       hour,
       CAST("database" AS VARCHAR) AS "database",
       userid,
       CAST(NULL AS BIGINT) AS service_class,
       COUNT(*) AS queries,
       SUM(CASE WHEN aborted <> 0 THEN 1 ELSE 0 END) AS aborted,
       SUM(CASE WHEN concurrency_scaling_status = 1 THEN 1 ELSE 0 END) AS scaled,
       COUNT(elapsed) AS timed,
       COALESCE(SUM(elapsed), 0) AS elapsed_us,
       MAX(elapsed) AS longest_us,
       SUM(CASE WHEN elapsed < 1000000 THEN 1 ELSE 0 END) AS under_1s,
       SUM(CASE WHEN elapsed < 10000000 THEN 1 ELSE 0 END) AS under_10s,
       SUM(CASE WHEN elapsed < 60000000 THEN 1 ELSE 0 END) AS under_1m,
       SUM(CASE WHEN elapsed < 600000000 THEN 1 ELSE 0 END) AS under_10m,
       0 AS wlm_queries,
       0 AS queue_us,
       CAST(NULL AS BIGINT) AS longest_queue_us,
       0 AS exec_us,
       CAST(NULL AS BIGINT) AS longest_exec_us,
       0 AS scan_steps,
       0 AS scan_rows,
       0 AS scan_bytes
FROM queries
GROUP BY cluster_id, log_date, hour, "database", userid
UNION ALL
SELECT cluster_id,
       log_date,
       hour,
       CAST(NULL AS VARCHAR) AS "database",
       userid,
       service_class,
       0 AS queries,
       0 AS aborted,
       0 AS scaled,
       0 AS timed,
       0 AS elapsed_us,
       CAST(NULL AS BIGINT) AS longest_us,
       0 AS under_1s,
       0 AS under_10s,
       0 AS under_1m,
       0 AS under_10m,
       COUNT(*) AS wlm_queries,
       COALESCE(SUM(total_queue_time), 0) AS queue_us,
       MAX(total_queue_time) AS longest_queue_us,
       COALESCE(SUM(total_exec_time), 0) AS exec_us,
       MAX(total_exec_time) AS longest_exec_us,
       0 AS scan_steps,
       0 AS scan_rows,
       0 AS scan_bytes
FROM runs
GROUP BY cluster_id, log_date, hour, userid, service_class
UNION ALL
SELECT cluster_id,
       log_date,
       hour,
       CAST(NULL AS VARCHAR) AS "database",
       userid,
       CAST(NULL AS BIGINT) AS service_class,
       0 AS queries,
       0 AS aborted,
       0 AS scaled,
       0 AS timed,
       0 AS elapsed_us,
       CAST(NULL AS BIGINT) AS longest_us,
       0 AS under_1s,
       0 AS under_10s,
       0 AS under_1m,
       0 AS under_10m,
       0 AS wlm_queries,
       0 AS queue_us,
       CAST(NULL AS BIGINT) AS longest_queue_us,
       0 AS exec_us,
       CAST(NULL AS BIGINT) AS longest_exec_us,
       COUNT(*) AS scan_steps,
       COALESCE(SUM(scanned), 0) AS scan_rows,
       COALESCE(SUM(bytes), 0) AS scan_bytes
FROM scans
GROUP BY cluster_id, log_date, hour, userid
