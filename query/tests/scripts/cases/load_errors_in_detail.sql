-- asks: which values could not be loaded?
-- from: what the Database Developer Guide's query on load errors needs: a join in WHERE
SELECT v.query, SUBSTRING(v.filename, 6) AS object, v.line_number AS line, v.colname || '=' || v.value, LEFT(e.err_reason, 13)
FROM stl_load_errors e, stl_loaderror_detail v
WHERE v.query = e.query AND v.cluster_id = e.cluster_id;
-- = 3,b/k,7,price=x,Invalid digit
