-- title: Errors of the servers
-- group: queries
-- severity: warning
-- question: Which errors do the clusters log, how often, and since when?
-- param from timestamp: only errors at or after this time
-- param to timestamp: only errors before this time
-- param cluster text: only this cluster
-- param top int = 20: errors shown, most frequent first
-- column cluster_id name: cluster that logged it
-- column errcode id: code of the error
-- column process name: process that met it
-- column times count: how often
-- column users count: how many users met it
-- column first_at time: first time in the period
-- column last_at time: last time in the period
-- column error text: beginning of the message, without what differs from time to time
-- chart bars: x=cluster_id,errcode y=times
-- do: Errors of many users at once point at the cluster (disk full, restarts), errors of one user at one job: failed_queries shows its queries.
-- do: Internal errors that repeat (code 8001 and its kin) belong into a support case, with the number of a query.
SELECT cluster_id,
       errcode,
       query_excerpt(process, 10) AS process,
       COUNT(*) AS times,
       COUNT(DISTINCT userid) AS users,
       DATE_TRUNC('second', MIN(recordtime)) AS first_at,
       DATE_TRUNC('second', MAX(recordtime)) AS last_at,
       query_excerpt(query_shape(error), 28) AS error
FROM stl_error
WHERE (:from IS NULL OR recordtime >= :from)
  AND (:to IS NULL OR recordtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, errcode, query_excerpt(process, 10), query_excerpt(query_shape(error), 28)
ORDER BY times DESC, cluster_id, errcode, process, error
LIMIT :top
