-- title: Queries that got slower
-- group: queries
-- severity: warning
-- question: Which queries take much longer this week than the week before, on which cluster, and since which day?
-- param to timestamp: end of the later week; now, if it is not given
-- param cluster text: only this cluster
-- param days int = 7: length of each of the two periods, in days
-- param slower_pct int = 50: how much longer the later median must be, in percent of the earlier one
-- param min_runs int = 3: runs that a query must have in each of the two periods
-- param top int = 20: queries shown, most additional time first
-- column cluster_id name: cluster on which it got slower
-- column fingerprint id: the query without its constants, see query_fingerprint(); the same on every cluster
-- column runs count: runs in the later period
-- column before_s seconds: median of the earlier period, from arrival to end
-- column after_s seconds: median of the later period
-- column factor factor: after_s divided by before_s
-- column slow_since date: first day of the run of slow days that lasts until now; empty if its last day was as fast as before
-- column text text: beginning of the query, without its constants
-- chart bars: x=cluster_id,fingerprint y=factor
-- do: Find out what changed on the day in slow_since: ddl_changes and privilege_changes list the statements of that day, vacuums and analyzes what was left undone.
-- do: Then compare one run from before and one from after with query_timeline: other steps mean another plan (run ANALYZE), the same steps with more rows mean more data (sort key, distribution key), a longer queue means more company (queue_pressure).
WITH edges AS (
  SELECT COALESCE(:to, GETDATE()) AS later_end,
         DATEADD(day, 0 - :days, COALESCE(:to, GETDATE())) AS later_start,
         DATEADD(day, 0 - 2 * :days, COALESCE(:to, GETDATE())) AS earlier_start
),
runs AS (
  SELECT cluster_id,
         query_fingerprint(querytxt) AS fingerprint,
         query_shape(querytxt) AS shape,
         CAST(endtime AS DATE) AS day,
         endtime >= later_start AS is_later,
         DATEDIFF(ms, starttime, endtime)::float8 / 1000 AS seconds
  FROM stl_query
  CROSS JOIN edges
  WHERE endtime >= DATEADD(day, 0 - 2 * :days, COALESCE(:to, GETDATE()))
    AND endtime < COALESCE(:to, GETDATE())
    AND (:cluster IS NULL OR cluster_id = :cluster)
    AND aborted = 0
    AND userid > 1
),
periods AS (
  SELECT cluster_id,
         fingerprint,
         MIN(shape) AS shape,
         SUM(CASE WHEN is_later THEN 1 ELSE 0 END) AS later_runs,
         SUM(CASE WHEN is_later THEN 0 ELSE 1 END) AS earlier_runs,
         MEDIAN(CASE WHEN is_later THEN seconds END) AS after_s,
         MEDIAN(CASE WHEN is_later THEN NULL ELSE seconds END) AS before_s
  FROM runs
  GROUP BY cluster_id, fingerprint
),
slower AS (
  SELECT *, later_runs * (after_s - before_s) AS more_s
  FROM periods
  WHERE later_runs >= :min_runs
    AND earlier_runs >= :min_runs
    AND before_s > 0
    AND after_s * 100 >= before_s * (100 + :slower_pct)
),
days AS (
  SELECT runs.cluster_id,
         runs.fingerprint,
         runs.day,
         MEDIAN(runs.seconds) * 100 >= MIN(slower.before_s) * (100 + :slower_pct) AS is_slow
  FROM runs
  JOIN slower ON slower.cluster_id = runs.cluster_id AND slower.fingerprint = runs.fingerprint
  GROUP BY runs.cluster_id, runs.fingerprint, runs.day
),
last_fast AS (
  SELECT cluster_id, fingerprint, MAX(CASE WHEN is_slow THEN NULL ELSE day END) AS day
  FROM days
  GROUP BY cluster_id, fingerprint
),
since AS (
  SELECT days.cluster_id, days.fingerprint, MIN(days.day) AS day
  FROM days
  JOIN last_fast ON last_fast.cluster_id = days.cluster_id AND last_fast.fingerprint = days.fingerprint
  WHERE last_fast.day IS NULL OR days.day > last_fast.day
  GROUP BY days.cluster_id, days.fingerprint
)
SELECT slower.cluster_id,
       slower.fingerprint,
       slower.later_runs AS runs,
       ROUND(slower.before_s, 2) AS before_s,
       ROUND(slower.after_s, 2) AS after_s,
       ROUND(slower.after_s / slower.before_s, 1) AS factor,
       since.day AS slow_since,
       query_excerpt(slower.shape, 32) AS text
FROM slower
LEFT JOIN since ON since.cluster_id = slower.cluster_id AND since.fingerprint = slower.fingerprint
ORDER BY slower.more_s DESC, cluster_id, fingerprint
LIMIT :top
