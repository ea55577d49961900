-- asks: which tables are scanned without a sort key? SVV views are of the catalog
-- from: what exporters of metrics ask
SELECT SUM(NVL(s.n, 0)) FROM svv_table_info t LEFT JOIN (SELECT tbl, COUNT(DISTINCT query) n FROM stl_scan GROUP BY tbl) s
ON s.tbl = t.table_id WHERE t.sortkey1 IS NULL;
-- refused: svv_table_info
