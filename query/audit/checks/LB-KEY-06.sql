-- id: LB-KEY-06
-- version: 1
-- title: Rotation of key material was switched off
-- severity: high
-- question: Did anyone switch off the automatic rotation of a key, even if it is on again?
-- needs: encryption_events/cloudtrail|trail_files
-- window: window
-- param reenable_minutes int = 60: minutes within which it may be switched on again without counting
-- do: Switch it on again, and let only key administrators call kms:DisableKeyRotation.
WITH present AS (
  SELECT *, SPLIT_PART(kms_key_arn, ':', 5) AS owner,
         ROW_NUMBER() OVER (PARTITION BY kms_key_arn ORDER BY start_hi DESC) AS age
  FROM kms_key_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
offs AS (
  SELECT kms_key_arn, event_key, event_time, evidence,
         COALESCE(session_issuer_arn, actor_arn, invoked_by, 'somebody whom the event does not name') AS actor
  FROM encryption_facts
  WHERE event_class = 'rotation_config.disabled' AND outcome <> 'failure' AND event_time >= :from AND event_time < :to
),
pairs AS (
  SELECT o.kms_key_arn, o.event_key, o.event_time, o.evidence, o.actor, MIN(n.event_time) AS on_again, MIN(n.evidence) AS on_evidence
  FROM offs AS o
  LEFT JOIN encryption_facts AS n
    ON n.kms_key_arn = o.kms_key_arn AND n.event_class = 'rotation_config.enabled' AND n.outcome <> 'failure'
   AND n.event_time >= o.event_time AND n.event_time <= DATEADD(minute, CAST(:reenable_minutes AS BIGINT), o.event_time)
  GROUP BY o.kms_key_arn, o.event_key, o.event_time, o.evidence, o.actor
),
summed AS (
  SELECT kms_key_arn, MAX(CASE WHEN on_again IS NULL THEN 1 ELSE 0 END) AS bad,
         MIN(CASE WHEN on_again IS NULL THEN event_time END) AS since,
         LISTAGG('switched off ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' UTC by ' || actor
                 || COALESCE(', on again ' || TO_CHAR(on_again, 'HH24:MI'), ''), '; ') WITHIN GROUP (ORDER BY event_time, event_key) AS story,
         LISTAGG(evidence || COALESCE(',' || on_evidence, ''), ',') WITHIN GROUP (ORDER BY event_time, event_key) AS evidence
  FROM pairs
  GROUP BY kms_key_arn
),
judged AS (
  SELECT p.*, s.story, s.evidence AS event_evidence, s.since,
         CASE WHEN s.bad = 1 THEN 'bad'
              WHEN p.key_manager = 'AWS' OR NOT p.rotation_supported THEN 'none'
              WHEN p.owner <> p.account_id THEN 'foreign'
              WHEN p.key_manager IS NULL THEN 'unsaid'
              ELSE 'good' END AS what
  FROM present AS p
  LEFT JOIN summed AS s ON s.kms_key_arn = p.kms_key_arn
  WHERE p.age = 1
)
SELECT account_id, region, 'kms_key' AS entity_type, kms_key_arn AS entity,
       COALESCE(NULLIF(REPLACE(JSON_EXTRACT_ARRAY_ELEMENT_TEXT(COALESCE(aliases, '[]'), 0, true), 'alias/', ''), ''), SPLIT_PART(kms_key_arn, '/', 2)) AS entity_name,
       CASE what WHEN 'bad' THEN 'FAIL' WHEN 'good' THEN 'PASS' WHEN 'none' THEN 'NOT_APPLICABLE' ELSE 'UNKNOWN' END AS verdict,
       CASE what
         WHEN 'bad' THEN 'Rotation was ' || story || '.'
         WHEN 'none' THEN CASE WHEN key_manager = 'AWS' THEN 'AWS rotates its own keys; nobody can switch it off.' ELSE 'This kind of key cannot rotate by itself.' END
         WHEN 'foreign' THEN 'The key belongs to account ' || owner || ', whose CloudTrail has its events.'
         WHEN 'unsaid' THEN 'The key could not be described' || COALESCE(' (' || access_error || ')', '') || '.'
         ELSE COALESCE('Rotation was ' || story || ', in time.', 'Nobody switched its rotation off in the window.') END AS reason,
       '[' || COALESCE(event_evidence, evidence) || ']' AS evidence,
       since
FROM judged
UNION ALL
SELECT u.account_id, u.region, 'kms_key', u.kms_key_arn, u.name, 'UNKNOWN',
       'The key is in use, and was never described.', '[' || u.evidence || ']', CAST(NULL AS TIMESTAMP)
FROM kms_keys_in_use AS u
LEFT JOIN present AS k ON k.kms_key_arn = u.kms_key_arn
WHERE k.kms_key_arn IS NULL
