-- asks: how do the texts of queries begin and end?
-- from: scripts that look a text up beside each row
SELECT q.cluster_id, q.query,
       (SELECT TRIM(t.text) FROM stl_querytext t
        WHERE t.cluster_id = q.cluster_id AND t.query = q.query AND "sequence" = 0) AS head,
       (SELECT t.text FROM stl_querytext t
        WHERE t.cluster_id = q.cluster_id AND t.query = q.query ORDER BY t."sequence" DESC LIMIT 1) AS tail
FROM stl_query q
WHERE q.userid > 1 AND q.starttime > '2026-01-01'
ORDER BY 1, 2;
-- = bi,1,select count(*) from sales,select count(*) from sales
-- = bi,2,,
-- = etl,1,select count(*) from sales,select count(*) from sales
-- = etl,2,insert into sales,select * from staging
-- = etl,3,,
