-- shows: each moment from which a collector read, and until when it had been read before
-- source: collection_runs. `looked_until` is the latest end of the windows of runs that were ok and began earlier; NULL if there are none
WITH runs AS (
  SELECT collector, account_id, region, window_from, MAX(CASE WHEN status = 'ok' THEN window_to END) AS window_to
  FROM collection_runs
  WHERE window_from IS NOT NULL
  GROUP BY collector, account_id, region, window_from
)
SELECT collector, account_id, region, window_from,
       MAX(window_to) OVER (PARTITION BY collector, account_id, region ORDER BY window_from
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS looked_until
FROM runs
