-- asks: what do the pieces of a statement say together?
-- from: what the Database Developer Guide's query on STL_QUERYTEXT needs: LISTAGG of a CASE
SELECT query, cluster_id,
       LISTAGG(CASE WHEN LEN(RTRIM(text)) = 0 THEN text ELSE RTRIM(text) || ' ' END, '') WITHIN GROUP (ORDER BY sequence) AS whole
FROM stl_querytext WHERE query = 2 GROUP BY query, cluster_id;
-- = 2,etl,insert into sales select * from staging
