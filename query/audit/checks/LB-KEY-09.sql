-- id: LB-KEY-09
-- version: 1
-- title: A cluster's key used by someone else
-- severity: high
-- question: Did anyone but Redshift use a key that is reserved for it?
-- needs: encryption_events/trail_files, kms_key_state/keys
-- window: window
-- param dedicated_tag text = dedicated: tag of keys that are reserved
-- param dedicated_value text = redshift: its value
-- do: Uses of keys are only in the files of a trail, not in LookupEvents: give the collector a trail that logs them.
-- do: Ask the one who did it. Let the key's policy demand kms:ViaService redshift, or the encryption context aws:redshift:arn.
WITH uses AS (
  SELECT kms_key_arn, COUNT(*) AS times, MIN(event_time) AS since,
         COALESCE(session_issuer_arn, actor_arn, invoked_by, 'somebody whom the event does not name') AS actor,
         event_name, MIN(evidence) AS evidence, MAX(event_time) AS until
  FROM encryption_facts
  WHERE event_class = 'crypto.used' AND event_time >= :from AND event_time < :to
    AND (invoked_by IS DISTINCT FROM 'redshift.amazonaws.com')
    AND COALESCE(JSON_EXTRACT_PATH_TEXT(encryption_context, 'aws:redshift:arn', true), '') = ''
  GROUP BY kms_key_arn, event_name, COALESCE(session_issuer_arn, actor_arn, invoked_by, 'somebody whom the event does not name')
),
summed AS (
  SELECT kms_key_arn, MIN(since) AS since,
         LEFT(LISTAGG(event_name || ' by ' || actor || ', ' || CAST(times AS VARCHAR) || CASE WHEN times = 1 THEN ' time' ELSE ' times' END
                 || ', first ' || TO_CHAR(since, 'YYYY-MM-DD HH24:MI') || ' UTC', '; ') WITHIN GROUP (ORDER BY since, actor), 2000) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY since, actor) AS evidence
  FROM uses
  GROUP BY kms_key_arn
),
judged AS (
  SELECT k.*, s.story, s.evidence AS event_evidence, s.since,
         CASE WHEN k.key_manager = 'AWS' THEN 'none'
              WHEN k.tags IS NULL THEN 'unsaid'
              WHEN COALESCE(JSON_EXTRACT_PATH_TEXT(k.tags, :dedicated_tag, true), '') <> :dedicated_value THEN 'none'
              WHEN s.story IS NOT NULL THEN 'bad'
              ELSE 'good' END AS what
  FROM kms_key_latest AS k
  LEFT JOIN summed AS s ON s.kms_key_arn = k.kms_key_arn
)
SELECT account_id, region, 'kms_key' AS entity_type, kms_key_arn AS entity,
       COALESCE(NULLIF(REPLACE(alias, 'alias/', ''), ''), SPLIT_PART(kms_key_arn, '/', 2)) AS entity_name,
       CASE what WHEN 'bad' THEN 'FAIL' WHEN 'good' THEN 'PASS' WHEN 'none' THEN 'NOT_APPLICABLE' ELSE 'UNKNOWN' END AS verdict,
       CASE what
         WHEN 'bad' THEN story || '.'
         WHEN 'good' THEN 'Only Redshift used it in the window.'
         WHEN 'none' THEN 'The key is not tagged ' || :dedicated_tag || ' = ' || :dedicated_value || '.'
         ELSE 'Its tags could not be read' || COALESCE(' (' || access_error || ')', '; those of a key of another account cannot be') || '.' END AS reason,
       '[' || evidence || COALESCE(',' || event_evidence, '') || ']' AS evidence,
       since
FROM judged
UNION ALL
SELECT u.account_id, u.region, 'kms_key', u.kms_key_arn, u.name, 'UNKNOWN',
       'The key is in use, and was never described.', '[' || u.evidence || ']', CAST(NULL AS TIMESTAMP)
FROM kms_keys_in_use AS u
LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = u.kms_key_arn
WHERE k.kms_key_arn IS NULL
