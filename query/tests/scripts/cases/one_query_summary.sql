-- asks: how did one query run, step by step?
-- from: what AWS's view of the last query needs: labels that are indented by a sum
SELECT stm, seg, step, LPAD(' ', stm+seg+step) || label AS label, rows, is_rrscan FROM svl_query_summary
WHERE cluster_id = 'etl' AND query = 1 ORDER BY stm, seg, step;
-- = 0,0,0,scan   tbl=500 name=sales,1000,t
-- = 1,1,1,   return,1,f
