-- asks: how many queries spilled?
-- from: what exporters of metrics need: doubled percent signs, a column name in capitals
SELECT COUNT(DISTINCT query) FROM svl_query_report
WHERE start_time >= GETDATE() - INTERVAL '2 days' AND LABEL LIKE 'hash%%' AND is_diskbased = 't' AND userid > 1;
-- = 1
