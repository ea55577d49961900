-- The clusters of the lake.
SELECT DISTINCT cluster_id FROM lookback_clusters ORDER BY 1
