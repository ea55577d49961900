-- shows: the times in which a cluster was rotating its encryption keys (status rotating-keys), with the least and most minutes that each took
-- source: cluster_encryption_intervals; intervals that differ in something else are one rotation
WITH marked AS (
  SELECT *,
         CASE WHEN cluster_status = 'rotating-keys' THEN 1 ELSE 0 END AS rotating,
         LAG(CASE WHEN cluster_status = 'rotating-keys' THEN 1 ELSE 0 END)
           OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi) AS rotating_before
  FROM cluster_encryption_intervals
),
numbered AS (
  SELECT *,
         SUM(CASE WHEN rotating_before IS NULL OR rotating <> rotating_before THEN 1 ELSE 0 END)
           OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi ROWS UNBOUNDED PRECEDING) AS n,
         ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi) AS place
  FROM marked
),
whole AS (
  SELECT cluster_namespace_arn, n, MIN(place) AS first_place, MAX(place) AS last_place
  FROM numbered
  WHERE rotating = 1
  GROUP BY cluster_namespace_arn, n
)
SELECT f.cluster_namespace_arn, f.cluster_identifier, f.account_id, f.region, f.start_lo, f.start_hi, l.end_lo, l.end_hi,
       DATEDIFF(minute, f.start_hi, l.end_lo) AS min_minutes,
       DATEDIFF(minute, COALESCE(f.start_lo, f.start_hi), COALESCE(l.end_hi, :as_of)) AS max_minutes,
       f.evidence
FROM whole AS w
JOIN numbered AS f ON f.cluster_namespace_arn = w.cluster_namespace_arn AND f.place = w.first_place
JOIN numbered AS l ON l.cluster_namespace_arn = w.cluster_namespace_arn AND l.place = w.last_place
