-- asks: which queries spilled most?
-- from: what health checks of administrators need: DECIMAL without a precision, NULLS LAST
SELECT cluster_id, query, ROUND(spilled::decimal/1024::decimal,3)::float AS gb, LEFT(querytxt, 6)
FROM stl_query
JOIN (SELECT cluster_id, query, query_temp_blocks_to_disk AS spilled FROM svl_query_metrics_summary
      ORDER BY 3 DESC NULLS LAST LIMIT 1) m USING (cluster_id, query)
ORDER BY 3 DESC;
-- = etl,2,2,insert
