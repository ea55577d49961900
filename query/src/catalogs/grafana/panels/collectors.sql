-- title: Collection of the record
-- group: security
-- severity: warning
-- question: Until when did each collector read everything, and what was it refused?
-- column collector name: what was asked
-- column account_id name: account
-- column region name: region
-- column read_until time: everything before this moment was read
-- column behind_s seconds: from then until now
-- column not_ok count: runs that failed, were refused something or came too late
-- column last_status name: how the last run went
-- do: Time that no collector read makes a verdict UNKNOWN, never PASS.
WITH numbered AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY collector, account_id, region ORDER BY started_at DESC, run_id DESC) AS age
  FROM collection_runs
)
SELECT collector,
       account_id,
       region,
       MAX(CASE WHEN status = 'ok' THEN window_to END) AS read_until,
       DATEDIFF(second, MAX(CASE WHEN status = 'ok' THEN window_to END), GETDATE()) AS behind_s,
       SUM(CASE WHEN status <> 'ok' THEN 1 ELSE 0 END) AS not_ok,
       MAX(CASE WHEN age = 1 THEN status END) AS last_status
FROM numbered
GROUP BY collector, account_id, region
ORDER BY read_until, collector, account_id, region
LIMIT 500
