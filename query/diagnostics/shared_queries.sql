-- title: Queries that run on several clusters
-- group: queries
-- severity: info
-- question: Which queries run on more than one cluster, and where are they slowest?
-- param from timestamp: only queries that ended at or after this time
-- param to timestamp: only queries that ended before this time
-- param top int = 20: queries shown, most time first
-- column fingerprint id: the query without its constants, see query_fingerprint()
-- column clusters count: clusters that ran it
-- column runs count: runs on all of them
-- column sum_s seconds: time of all runs together, from arrival to end
-- column fastest name: cluster with the lowest median
-- column fast_s seconds: median there
-- column slowest name: cluster with the highest median
-- column slow_s seconds: median there
-- column text text: beginning of the query, without its constants
-- chart bars: x=fingerprint y=clusters
-- do: The same query on several clusters is either one report that runs too often, or work that could be done once and shared (data sharing, a materialized view).
-- do: Where one cluster is much slower than the other, compare node type, sort keys and statistics of the tables there.
WITH runs AS (
  SELECT cluster_id,
         query_fingerprint(querytxt) AS fingerprint,
         query_shape(querytxt) AS shape,
         DATEDIFF(ms, starttime, endtime)::float8 / 1000 AS seconds
  FROM stl_query
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND aborted = 0
    AND userid > 1
),
places AS (
  SELECT fingerprint,
         cluster_id,
         COUNT(*) AS runs,
         SUM(seconds) AS seconds,
         MEDIAN(seconds) AS median_s,
         MIN(shape) AS shape
  FROM runs
  GROUP BY fingerprint, cluster_id
),
ranked AS (
  SELECT places.*,
         ROW_NUMBER() OVER (PARTITION BY fingerprint ORDER BY median_s, cluster_id) AS from_fast,
         ROW_NUMBER() OVER (PARTITION BY fingerprint ORDER BY median_s DESC, cluster_id DESC) AS from_slow
  FROM places
)
SELECT fingerprint,
       COUNT(*) AS clusters,
       SUM(runs) AS runs,
       ROUND(SUM(seconds), 1) AS sum_s,
       MAX(CASE WHEN from_fast = 1 THEN cluster_id END) AS fastest,
       ROUND(MAX(CASE WHEN from_fast = 1 THEN median_s END), 2) AS fast_s,
       MAX(CASE WHEN from_slow = 1 THEN cluster_id END) AS slowest,
       ROUND(MAX(CASE WHEN from_slow = 1 THEN median_s END), 2) AS slow_s,
       query_excerpt(MIN(shape), 32) AS text
FROM ranked
GROUP BY fingerprint
HAVING COUNT(*) > 1
ORDER BY sum_s DESC NULLS LAST, fingerprint
LIMIT :top
