-- title: Queries that cost most in sum
-- group: queries
-- severity: info
-- question: Which queries, without regard to their constants, take most of the time of a cluster?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: queries shown
-- column cluster_id name: cluster that ran them
-- column fingerprint id: the query without its constants, see query_fingerprint()
-- column runs count: how often it ran
-- column users count: how many users ran it
-- column sum_s seconds: time of all runs together, from arrival to end
-- column share_pct percent: part of the time of all queries of that cluster
-- column median_s seconds: median of a run
-- column longest_s seconds: longest run
-- column text text: beginning of the query, without its constants
-- chart bars: x=cluster_id,fingerprint y=sum_s
-- do: A query with many short runs is a case for a materialized view, for result caching (no getdate() in it), or for asking less often.
-- do: A query with few long runs is a case for sort and distribution keys: see wasteful_scans, redistributed_rows and disk_spill.
WITH runs AS (
  SELECT cluster_id,
         query_fingerprint(querytxt) AS fingerprint,
         query_shape(querytxt) AS shape,
         userid,
         DATEDIFF(ms, starttime, endtime)::float8 / 1000 AS seconds
  FROM stl_query
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
    AND userid > 1
),
shapes AS (
  SELECT cluster_id,
         fingerprint,
         COUNT(*) AS runs,
         COUNT(DISTINCT userid) AS users,
         SUM(seconds) AS sum_s,
         MEDIAN(seconds) AS median_s,
         MAX(seconds) AS longest_s,
         MIN(shape) AS shape
  FROM runs
  GROUP BY cluster_id, fingerprint
),
shares AS (
  SELECT shapes.*, 100 * sum_s / NULLIF(SUM(sum_s) OVER (PARTITION BY cluster_id), 0) AS share_pct
  FROM shapes
)
SELECT cluster_id,
       fingerprint,
       runs,
       users,
       ROUND(sum_s, 1) AS sum_s,
       ROUND(share_pct, 1) AS share_pct,
       ROUND(median_s, 2) AS median_s,
       ROUND(longest_s, 1) AS longest_s,
       query_excerpt(shape, 22) AS text
FROM shares
ORDER BY sum_s DESC NULLS LAST, cluster_id, fingerprint
LIMIT :top
