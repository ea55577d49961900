-- asks: the sum, or 0 where nothing waited
-- from: what exporters of metrics need: ISNULL, an alias with blanks
SELECT ISNULL(SUM(total_queue_time) / 1000000, 0) AS "Seconds in Queues" FROM stl_wlm_query
WHERE queue_start_time >= GETDATE() - INTERVAL '60 seconds';
-- = 0
