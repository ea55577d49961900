-- id: LB-KEY-07
-- version: 1
-- title: Imported key material about to expire
-- severity: high
-- question: Does imported material of a key expire soon, or was it deleted or did it expire in the window?
-- needs: kms_key_state/keys, encryption_events/cloudtrail|trail_files
-- window: window
-- param warn_days int = 30: days before the expiry at which it counts
-- do: Import the same material again with a later date, or without one, before it expires; without it every cluster under the key stops.
WITH lost AS (
  SELECT kms_key_arn, COUNT(*) AS times, MIN(event_time) AS since,
         LISTAGG(event_name || ' ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' by '
                 || COALESCE(session_issuer_arn, actor_arn, invoked_by, 'AWS'), '; ') WITHIN GROUP (ORDER BY event_time, event_key) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY event_time, event_key) AS evidence
  FROM encryption_facts
  WHERE event_class IN ('key_state.material_deleted', 'key_state.material_expired') AND outcome <> 'failure'
    AND event_time >= :from AND event_time < :to
  GROUP BY kms_key_arn
),
judged AS (
  SELECT k.*, l.story, l.evidence AS event_evidence, l.since,
         CASE WHEN l.times > 0 THEN 'lost'
              WHEN k.origin IS NULL THEN 'unsaid'
              WHEN k.origin <> 'EXTERNAL' THEN 'none'
              WHEN k.key_state = 'PendingImport' THEN 'empty'
              WHEN k.expiration_model = 'KEY_MATERIAL_DOES_NOT_EXPIRE' THEN 'stays'
              WHEN k.valid_to IS NULL THEN 'unsaid'
              WHEN k.valid_to < DATEADD(day, CAST(:warn_days AS BIGINT), :as_of) THEN 'soon'
              ELSE 'good' END AS what
  FROM kms_key_latest AS k
  LEFT JOIN lost AS l ON l.kms_key_arn = k.kms_key_arn
)
SELECT account_id, region, 'kms_key' AS entity_type, kms_key_arn AS entity,
       COALESCE(NULLIF(REPLACE(alias, 'alias/', ''), ''), SPLIT_PART(kms_key_arn, '/', 2)) AS entity_name,
       CASE WHEN what IN ('lost', 'empty', 'soon') THEN 'FAIL' WHEN what IN ('stays', 'good') THEN 'PASS' WHEN what = 'none' THEN 'NOT_APPLICABLE'
            ELSE 'UNKNOWN' END AS verdict,
       CASE what
         WHEN 'lost' THEN 'Its material was lost: ' || story || '.'
         WHEN 'empty' THEN 'The key has no material.'
         WHEN 'soon' THEN 'Its material expires ' || TO_CHAR(valid_to, 'YYYY-MM-DD HH24:MI') || ' UTC, in ' || CAST(DATEDIFF(day, :as_of, valid_to) AS VARCHAR) || ' days.'
         WHEN 'good' THEN 'Its material expires ' || TO_CHAR(valid_to, 'YYYY-MM-DD') || ', in ' || CAST(DATEDIFF(day, :as_of, valid_to) AS VARCHAR) || ' days.'
         WHEN 'stays' THEN 'Its material is imported and does not expire.'
         WHEN 'none' THEN 'Its material is not imported.'
         ELSE 'Whether its material expires could not be read' || COALESCE(' (' || access_error || ')', '') || '.' END AS reason,
       '[' || evidence || COALESCE(',' || event_evidence, '') || ']' AS evidence,
       since
FROM judged
UNION ALL
SELECT u.account_id, u.region, 'kms_key', u.kms_key_arn, u.name, 'UNKNOWN',
       'The key is in use, and was never described.', '[' || u.evidence || ']', CAST(NULL AS TIMESTAMP)
FROM kms_keys_in_use AS u
LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = u.kms_key_arn
WHERE k.kms_key_arn IS NULL
