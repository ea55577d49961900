-- asks: how much did concurrency scaling cost? No STL table knows
-- from: what exporters of metrics ask
SELECT SUM(usage_in_seconds) FROM svcs_concurrency_scaling_usage WHERE end_time > GETDATE() - INTERVAL '1 hour';
-- refused: svcs_concurrency_scaling_usage
