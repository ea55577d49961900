-- asks: how many seconds did queries wait in the last two days?
-- from: what exporters of metrics need: GETDATE minus an interval, a division by a decimal
SELECT (SUM(total_queue_time) / 1000000.0)::int AS seconds FROM stl_wlm_query
WHERE queue_start_time >= GETDATE() - INTERVAL '2 days' AND total_queue_time > 0;
-- = 64
