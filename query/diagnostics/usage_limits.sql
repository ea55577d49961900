-- title: Usage limits that were reached
-- group: cluster
-- severity: warning
-- question: Which limits on Spectrum, concurrency scaling or data sharing were reached, and how often?
-- param from timestamp: only events at or after this time
-- param to timestamp: only events before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, newest first
-- column cluster_id name: cluster
-- column feature name: what is limited
-- column usage_limit_id name: number of the limit
-- column times count: events
-- column queries count: different queries
-- column first_at time: the first in the period
-- column last_at time: the last in the period
-- chart bars: x=cluster_id,feature y=times
-- do: The limit's action decides what happened: log and alarm change nothing, disable turns the feature off until the period ends. Raise the limit, or find the user in costs and concurrency_scaling.
SELECT cluster_id,
       query_excerpt(feature_type, 30) AS feature,
       query_excerpt(usage_limit_id, 36) AS usage_limit_id,
       COUNT(*) AS times,
       COUNT(DISTINCT query) AS queries,
       DATE_TRUNC('minute', MIN(eventtime)) AS first_at,
       DATE_TRUNC('minute', MAX(eventtime)) AS last_at
FROM stl_usage_control
WHERE (:from IS NULL OR eventtime >= :from)
  AND (:to IS NULL OR eventtime < :to)
  AND (:cluster IS NULL OR cluster_id = :cluster)
GROUP BY cluster_id, query_excerpt(feature_type, 30), query_excerpt(usage_limit_id, 36)
ORDER BY MAX(eventtime) DESC, cluster_id, feature, usage_limit_id
LIMIT :top
