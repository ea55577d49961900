-- asks: which alerts does a query have, in one word each?
-- from: what AWS's scripts on top queries need: bits of a sum, DECODE and concatenation
SELECT cluster_id, query, TRIM(DECODE(bits&1, 1, 'filter ', '') || DECODE(bits&2, 2, 'loop ', '')) AS words
FROM (SELECT cluster_id, query, SUM(DECODE(SPLIT_PART(event, ':', 1), 'Very selective query filter', 1,
                                           'Nested Loop Join in the query plan', 2, 0)) AS bits
      FROM stl_alert_event_log GROUP BY cluster_id, query)
ORDER BY 1;
-- = bi,2,loop
-- = etl,1,filter
