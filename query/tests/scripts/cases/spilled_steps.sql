-- asks: which steps went to disk?
-- from: what the Database Developer Guide's query on SVL_QUERY_SUMMARY needs
SELECT cluster_id, query, TRIM(label) AS label, workmem / 1000 AS kb, rows FROM svl_query_summary
WHERE is_diskbased = 't' AND (label LIKE 'hash%' OR label LIKE 'sort%' OR label LIKE 'aggr%') ORDER BY workmem DESC;
-- = etl,2,hash   tbl=240,1,50
