-- asks: what share of queries came from the result cache? It cannot be known from STL tables
-- from: what exporters of metrics need: a share in percent
SELECT (100.0 * SUM(CASE WHEN source_query IS NULL THEN 0 ELSE 1 END) / COUNT(*))::int AS percent
FROM svl_qlog WHERE userid >= 100 AND starttime > GETDATE() - INTERVAL '2 days';
-- = 0
