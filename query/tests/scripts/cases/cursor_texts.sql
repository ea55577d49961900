-- asks: what do statements say, or the utility statement of their transaction if there is one?
-- from: what AWS's scripts on cursors need: SUBSTRING FROM, STRPOS, NVL of an outer join, TEXT as a name
SELECT q.cluster_id, q.query, NVL(u.text, TRIM(q.querytxt)) AS statement
FROM stl_query q
LEFT OUTER JOIN (SELECT cluster_id, xid, 'U ' || SUBSTRING(TEXT FROM STRPOS(UPPER(TEXT), 'MIT')) AS TEXT
                 FROM stl_utilitytext WHERE sequence = 0 GROUP BY text, cluster_id, xid) u
  ON (q.cluster_id = u.cluster_id AND q.xid = u.xid)
WHERE q.query < 3
ORDER BY 1, 2;
-- = bi,1,select count(*) from sales
-- = bi,2,"select * from big a, big b"
-- = etl,1,select count(*) from sales
-- = etl,2,U MIT
