-- asks: when did concurrency scaling clusters run? STL tables do not say
-- from: SVCS_CONCURRENCY_SCALING_USAGE in the Database Developer Guide
SELECT SUM(usage_in_seconds) FROM svcs_concurrency_scaling_usage;
-- refused: does not follow from the STL tables
