-- asks: how many kilobytes did queries process?
-- from: what exporters of metrics need: a view limited by the queries of a time
SELECT SUM(bytes/1000) AS kb FROM svl_query_summary
WHERE query IN (SELECT query FROM stl_query WHERE userid >= 100 AND endtime > GETDATE() - INTERVAL '2 days');
-- = 50
