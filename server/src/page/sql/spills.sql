-- Bytes of steps that did not fit in memory, by kind and step in time.
WITH steps AS (
  SELECT 'sort' AS what, endtime, bytes FROM stl_sort
  WHERE is_diskbased = 't' AND endtime >= :from AND endtime < :to AND :clusters
  UNION ALL
  SELECT 'hash join' AS what, endtime, bytes FROM stl_hash
  WHERE is_diskbased = 't' AND endtime >= :from AND endtime < :to AND :clusters
  UNION ALL
  SELECT 'aggregation' AS what, endtime, bytes FROM stl_aggr
  WHERE is_diskbased = 't' AND endtime >= :from AND endtime < :to AND :clusters
)
SELECT what, :at AS at, SUM(bytes) AS bytes, COUNT(*) AS steps
FROM steps
GROUP BY 1, 2
ORDER BY 2, 1
