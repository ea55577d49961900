-- asks: which statements change data?
-- from: scripts of administrators: SIMILAR TO, ~* and REGEXP_SUBSTR
SELECT cluster_id, query, UPPER(REGEXP_SUBSTR(querytxt, '^[a-z]+')) AS verb FROM stl_query
WHERE querytxt SIMILAR TO '(insert|copy|delete) %' AND querytxt ~* 'SALES' ORDER BY 1, 2;
-- = etl,2,INSERT
-- = etl,3,COPY
