-- shows: each run of a collector: from when on it read, and until when had been read before
-- source: collection_runs. `looked_until` is the latest end of the windows of runs that were ok and began earlier; NULL if there are none
WITH begun AS (
  SELECT collector, account_id, region, window_from, MAX(CASE WHEN status = 'ok' THEN window_to END) AS window_to
  FROM collection_runs
  WHERE window_from IS NOT NULL
  GROUP BY collector, account_id, region, window_from
),
earlier AS (
  SELECT collector, account_id, region, window_from,
         MAX(window_to) OVER (PARTITION BY collector, account_id, region ORDER BY window_from
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS looked_until
  FROM begun
)
-- A run is of one region. Were it of several, what is least sure would count.
SELECT r.run_id, r.collector, r.account_id, MIN(r.window_from) AS window_from, MIN(e.looked_until) AS looked_until
FROM collection_runs AS r
JOIN earlier AS e
  ON e.collector = r.collector AND e.account_id = r.account_id AND e.region = r.region AND e.window_from = r.window_from
GROUP BY r.run_id, r.collector, r.account_id
