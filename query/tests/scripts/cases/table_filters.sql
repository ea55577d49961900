-- asks: which filters do queries put on a table?
-- from: what AWS's scripts on filters need: an alias that is a keyword, joins over many columns, a CASE inside DATEDIFF
SELECT TRIM(scan.perm_table_name) AS table, TRIM(node.info) AS filter, COUNT(DISTINCT node.query) AS queries,
       SUM(DATEDIFF(seconds, scan.starttime, CASE WHEN scan.endtime < scan.starttime THEN scan.starttime ELSE scan.endtime END)) secs
FROM stl_scan scan
JOIN stl_plan_info place ON (place.cluster_id = scan.cluster_id AND place.query = scan.query
                             AND place.segment = scan.segment AND place.step = scan.step)
JOIN stl_explain node ON (node.cluster_id = place.cluster_id AND node.query = place.query AND node.nodeid = place.nodeid)
WHERE ((node.info LIKE 'Filter:%' AND node.nodeid > 0) OR node.info LIKE 'Join Filter:%')
  AND scan.starttime > DATEADD(day, -7, Current_Date)
GROUP BY 1, 2 ORDER BY 4 DESC, 1;
-- = sales,Filter: (price > 10),1,9
