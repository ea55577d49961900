-- asks: how did my last query run? A lake has no session that could have run one
-- from: what AWS's view of the last query needs
SELECT step, maxtime, rows FROM svl_query_summary WHERE query = pg_last_query_id() ORDER BY stm, seg, step;
