-- shows: what happened, once, however many sources tell it
-- source: encryption_events. Rows of several sources with one meaning and one resource, each at most 120 s after the one before,
-- source: are one fact; two rows of one source are two. `sources` and `event_keys` are lists of all of them
WITH told AS (
  SELECT *,
         CASE WHEN resource_type IN ('cluster', 'namespace') THEN COALESCE(cluster_namespace_arn, resource_arn, cluster_identifier, '')
              WHEN resource_type = 'kms_key' THEN COALESCE(kms_key_arn, resource_arn, resource_id, '')
              ELSE COALESCE(resource_arn, '') || '/' || COALESCE(resource_id, '') END AS resource,
         ROW_NUMBER() OVER (PARTITION BY event_key ORDER BY observed_at, run_id) AS copy
  FROM encryption_events
  WHERE event_time <= :as_of
),
-- CloudTrail tells one event by LookupEvents and in its files: the same id.
unique_events AS (
  SELECT *,
         ROW_NUMBER() OVER (PARTITION BY account_id, region, COALESCE(source_event_id, event_key)
                            ORDER BY CASE WHEN source = 'cloudtrail_s3' THEN 1 ELSE 0 END, event_key) AS same,
         LISTAGG(source, ',') WITHIN GROUP (ORDER BY source)
           OVER (PARTITION BY account_id, region, COALESCE(source_event_id, event_key)) AS same_sources,
         LISTAGG('"' || event_key || '"', ',') WITHIN GROUP (ORDER BY event_key)
           OVER (PARTITION BY account_id, region, COALESCE(source_event_id, event_key)) AS same_keys
  FROM told
  WHERE copy = 1
),
-- A difference between two looks is the same fact as what a log tells of the time between them.
logged AS (
  SELECT d.event_key AS seen_key, MIN(e.event_time) AS logged_at
  FROM unique_events AS d
  JOIN unique_events AS e
    ON e.account_id = d.account_id AND e.region = d.region AND e.event_class = d.event_class AND e.resource = d.resource
  WHERE d.source = 'state_diff' AND e.source <> 'state_diff'
    AND e.event_time >= DATEADD(second, -120, d.time_lo) AND e.event_time <= DATEADD(second, 120, d.time_hi)
  GROUP BY d.event_key
),
spaced AS (
  SELECT u.*, COALESCE(l.logged_at, u.event_time) AS told_at,
         LAG(COALESCE(l.logged_at, u.event_time)) OVER (PARTITION BY u.account_id, u.region, u.event_class, u.resource
                                                        ORDER BY COALESCE(l.logged_at, u.event_time), u.event_key) AS before
  FROM unique_events AS u
  LEFT JOIN logged AS l ON l.seen_key = u.event_key
  WHERE u.same = 1
),
grouped AS (
  SELECT *,
         SUM(CASE WHEN before IS NULL OR DATEDIFF(second, before, told_at) > 120 THEN 1 ELSE 0 END)
           OVER (PARTITION BY account_id, region, event_class, resource ORDER BY told_at, event_key ROWS UNBOUNDED PRECEDING)
           AS occasion
  FROM spaced
),
counted AS (
  SELECT *,
         ROW_NUMBER() OVER (PARTITION BY account_id, region, event_class, resource, occasion, source
                            ORDER BY told_at, event_key) AS nth
  FROM grouped
),
ranked AS (
  SELECT *,
         ROW_NUMBER() OVER (PARTITION BY account_id, region, event_class, resource, occasion, nth
                            ORDER BY CASE source WHEN 'cloudtrail_lookup' THEN 1 WHEN 'cloudtrail_s3' THEN 2 WHEN 'kms_rotations' THEN 3
                                                 WHEN 'redshift_events' THEN 4 WHEN 'eventbridge' THEN 5 WHEN 'config_history' THEN 6
                                                 ELSE 7 END, event_key) AS choice,
         '["' || REPLACE(LISTAGG(same_sources, ',') WITHIN GROUP (ORDER BY same_sources)
           OVER (PARTITION BY account_id, region, event_class, resource, occasion, nth), ',', '","') || '"]' AS sources,
         '[' || LISTAGG(same_keys, ',') WITHIN GROUP (ORDER BY same_keys)
           OVER (PARTITION BY account_id, region, event_class, resource, occasion, nth) || ']' AS event_keys
  FROM counted
)
SELECT * EXCLUDE (resource, copy, same, same_sources, same_keys, told_at, before, occasion, nth, choice),
       '{"table":"encryption_events","key":{"event_key":"' || event_key || '"}}' AS evidence
FROM ranked
WHERE choice = 1
