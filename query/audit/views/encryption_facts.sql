-- shows: what happened, once, however many sources tell it
-- source: encryption_events. Rows of several sources with one meaning and one resource, each at most 120 s after the one before,
-- source: are one fact; two rows of one source are two. `sources` and `event_keys` are lists of all of them
WITH told AS (
  SELECT *,
         COALESCE(resource_arn, kms_key_arn, cluster_namespace_arn, cluster_identifier, resource_id, '') AS resource,
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
spaced AS (
  SELECT *,
         LAG(event_time) OVER (PARTITION BY account_id, region, event_class, resource ORDER BY event_time, event_key) AS before
  FROM unique_events
  WHERE same = 1
),
grouped AS (
  SELECT *,
         SUM(CASE WHEN before IS NULL OR DATEDIFF(second, before, event_time) > 120 THEN 1 ELSE 0 END)
           OVER (PARTITION BY account_id, region, event_class, resource ORDER BY event_time, event_key ROWS UNBOUNDED PRECEDING)
           AS occasion
  FROM spaced
),
counted AS (
  SELECT *,
         ROW_NUMBER() OVER (PARTITION BY account_id, region, event_class, resource, occasion, source
                            ORDER BY event_time, event_key) AS nth
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
SELECT * EXCLUDE (copy, same, same_sources, same_keys, before, occasion, nth, choice),
       '{"table":"encryption_events","key":{"event_key":"' || event_key || '"}}' AS evidence
FROM ranked
WHERE choice = 1
