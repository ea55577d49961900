-- The sums of a whole time range.
SELECT SUM(queries) AS queries, SUM(aborted) AS aborted, SUM(queue_us) AS queue_us
FROM lookback_hourly_current
WHERE log_date >= :first AND log_date <= :last
  AND hour >= :from AND hour < :to
  AND :clusters
