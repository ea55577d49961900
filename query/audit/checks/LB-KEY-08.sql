-- id: LB-KEY-08
-- version: 1
-- title: Changes of key policies and grants
-- severity: medium
-- question: Was a key open to everyone, did anyone but its administrators change its policy or grants, or was a grant revoked that a cluster needs?
-- needs: kms_key_state/keys, encryption_events/cloudtrail|trail_files
-- window: window
-- param key_admins text: ARNs of roles or users that may change policies and grants, separated by commas; without it nobody may
-- do: A policy with Principal * and no condition lets every account use the key: put the former policy back at once.
-- do: Create the revoked grant again (a resize or a restore of the cluster does), before the cluster is rebooted.
WITH present AS (
  SELECT *, SPLIT_PART(kms_key_arn, ':', 5) AS owner,
         ROW_NUMBER() OVER (PARTITION BY kms_key_arn ORDER BY start_hi DESC) AS age
  FROM kms_key_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
-- Statements of the policies that were in force in the window.
documents AS (
  SELECT kms_key_arn, start_hi, end_lo, end_hi, evidence,
         CASE WHEN LEFT(JSON_EXTRACT_PATH_TEXT(policy_json, 'Statement', true), 1) = '[' THEN JSON_EXTRACT_PATH_TEXT(policy_json, 'Statement', true)
              ELSE '[' || COALESCE(JSON_EXTRACT_PATH_TEXT(policy_json, 'Statement', true), '') || ']' END AS statements
  FROM present
  WHERE policy_json IS NOT NULL
),
statements AS (
  SELECT d.*, JSON_EXTRACT_ARRAY_ELEMENT_TEXT(d.statements, CAST(g.value AS INTEGER), true) AS statement
  FROM documents AS d
  CROSS JOIN generate_series(0, 199) AS g
  WHERE g.value < JSON_ARRAY_LENGTH(d.statements, true)
),
open_to_all AS (
  SELECT kms_key_arn, MIN(start_hi) AS since,
         'open to everyone (Principal * without a condition), as seen from ' || TO_CHAR(MIN(start_hi), 'YYYY-MM-DD HH24:MI')
           || CASE WHEN MAX(CASE WHEN end_hi IS NULL THEN 1 ELSE 0 END) = 1 THEN ' UTC until now'
                   ELSE ' to ' || TO_CHAR(MAX(end_lo), 'YYYY-MM-DD HH24:MI') || ' UTC' END AS story,
         LISTAGG(DISTINCT evidence, ',') WITHIN GROUP (ORDER BY evidence) AS evidence
  FROM statements
  WHERE JSON_EXTRACT_PATH_TEXT(statement, 'Effect', true) = 'Allow'
    AND (JSON_EXTRACT_PATH_TEXT(statement, 'Principal', true) = '*'
         OR STRPOS(JSON_EXTRACT_PATH_TEXT(statement, 'Principal', true), '"*"') > 0)
    AND COALESCE(JSON_EXTRACT_PATH_TEXT(statement, 'Condition', true), '{}') IN ('{}', '')
  GROUP BY kms_key_arn
),
-- Policies that differ from the one before, whoever is said to have changed them.
hashes AS (
  SELECT kms_key_arn, start_lo, start_hi, policy_sha256, evidence,
         LAG(policy_sha256) OVER (PARTITION BY kms_key_arn ORDER BY start_hi) AS sha256_before,
         LAG(evidence) OVER (PARTITION BY kms_key_arn ORDER BY start_hi) AS evidence_before
  FROM kms_key_intervals
),
changed AS (
  SELECT h.kms_key_arn, h.start_hi, h.evidence, h.evidence_before,
         MAX(CASE WHEN e.event_key IS NULL THEN 0 ELSE 1 END) AS explained
  FROM hashes AS h
  LEFT JOIN encryption_facts AS e
    ON e.kms_key_arn = h.kms_key_arn AND e.event_name = 'PutKeyPolicy' AND e.outcome <> 'failure'
   AND e.event_time >= DATEADD(minute, -15, h.start_lo) AND e.event_time <= h.start_hi
  WHERE h.sha256_before IS NOT NULL AND h.policy_sha256 IS NOT NULL AND h.policy_sha256 <> h.sha256_before
    AND h.start_hi >= :from AND h.start_hi < :to
  GROUP BY h.kms_key_arn, h.start_hi, h.evidence, h.evidence_before
),
changes AS (
  SELECT kms_key_arn, MIN(explained) AS explained, MIN(start_hi) AS since,
         LISTAGG(evidence_before || ',' || evidence, ',') WITHIN GROUP (ORDER BY start_hi) AS evidence
  FROM changed
  GROUP BY kms_key_arn
),
-- Grants that name something of Redshift, as they were before or in the window.
grants AS (
  SELECT DISTINCT i.kms_key_arn,
         JSON_EXTRACT_PATH_TEXT(JSON_EXTRACT_ARRAY_ELEMENT_TEXT(i.grants, CAST(g.value AS INTEGER), true), 'grant_id', true) AS grant_id,
         COALESCE(JSON_EXTRACT_PATH_TEXT(JSON_EXTRACT_ARRAY_ELEMENT_TEXT(i.grants, CAST(g.value AS INTEGER), true), 'context_equals', 'aws:redshift:arn', true),
                  JSON_EXTRACT_PATH_TEXT(JSON_EXTRACT_ARRAY_ELEMENT_TEXT(i.grants, CAST(g.value AS INTEGER), true), 'context_subset', 'aws:redshift:arn', true)) AS named
  FROM kms_key_intervals AS i
  CROSS JOIN generate_series(0, 199) AS g
  WHERE i.grants IS NOT NULL AND g.value < JSON_ARRAY_LENGTH(i.grants, true)
),
done AS (
  SELECT e.kms_key_arn, e.event_key, e.event_time, e.event_name, e.event_class, e.evidence,
         COALESCE(e.session_issuer_arn, e.actor_arn, e.invoked_by, 'somebody whom the event does not name') AS actor,
         e.invoked_by LIKE '%.amazonaws.com' OR e.invoked_by = 'AWS Internal' OR e.actor_type = 'AWSService' AS by_aws,
         :key_admins IS NOT NULL
           AND STRPOS(',' || REPLACE(:key_admins, ' ', '') || ',', ',' || COALESCE(e.session_issuer_arn, e.actor_arn) || ',') > 0 AS by_admin,
         COALESCE(CASE WHEN e.resource_type = 'kms_grant' THEN e.resource_id END,
                  JSON_EXTRACT_PATH_TEXT(e.detail_json, 'requestParameters', 'grantId', true)) AS grant_id
  FROM encryption_facts AS e
  WHERE e.event_class IN ('policy.changed', 'grant.created', 'grant.revoked', 'grant.retired') AND e.outcome <> 'failure' AND e.source <> 'state_diff'
    AND e.kms_key_arn IS NOT NULL AND e.event_time >= :from AND e.event_time < :to
),
acts AS (
  SELECT d.*, c.cluster_identifier AS needed_by,
         CASE WHEN COALESCE(d.by_aws, false) THEN false
              WHEN d.event_class IN ('grant.revoked', 'grant.retired') AND c.cluster_namespace_arn IS NOT NULL THEN true
              ELSE NOT COALESCE(d.by_admin, false) END AS bad
  FROM done AS d
  LEFT JOIN grants AS g ON g.kms_key_arn = d.kms_key_arn AND g.grant_id = d.grant_id
  LEFT JOIN cluster_encryption_latest AS c ON g.named IN (c.cluster_arn, c.cluster_namespace_arn)
),
events AS (
  SELECT kms_key_arn, MAX(CASE WHEN bad THEN 1 ELSE 0 END) AS bad, MIN(CASE WHEN bad THEN event_time END) AS since,
         LEFT(LISTAGG(event_name || ' ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' UTC by ' || actor
                 || CASE WHEN event_class IN ('grant.revoked', 'grant.retired') THEN COALESCE(', a grant that the cluster ' || needed_by || ' needs', '') ELSE '' END, '; ')
           WITHIN GROUP (ORDER BY event_time, event_key), 2000) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY event_time, event_key) AS evidence
  FROM acts
  GROUP BY kms_key_arn
),
judged AS (
  SELECT p.*, o.story AS open_story, e.story AS event_story,
         COALESCE(o.evidence || ',', '') || COALESCE(c.evidence || ',', '') || COALESCE(e.evidence || ',', '') || p.evidence AS all_evidence,
         LEAST(o.since, e.since) AS since,
         CASE WHEN o.kms_key_arn IS NOT NULL THEN 'open'
              WHEN e.bad = 1 THEN 'bad'
              WHEN p.key_manager = 'AWS' THEN 'none'
              WHEN p.owner <> p.account_id THEN 'foreign'
              WHEN p.policy_json IS NULL THEN 'unsaid'
              WHEN c.explained = 0 THEN 'nobody'
              ELSE 'good' END AS what
  FROM present AS p
  LEFT JOIN open_to_all AS o ON o.kms_key_arn = p.kms_key_arn
  LEFT JOIN changes AS c ON c.kms_key_arn = p.kms_key_arn
  LEFT JOIN events AS e ON e.kms_key_arn = p.kms_key_arn
  WHERE p.age = 1
)
SELECT account_id, region, 'kms_key' AS entity_type, kms_key_arn AS entity,
       COALESCE(NULLIF(REPLACE(JSON_EXTRACT_ARRAY_ELEMENT_TEXT(COALESCE(aliases, '[]'), 0, true), 'alias/', ''), ''), SPLIT_PART(kms_key_arn, '/', 2)) AS entity_name,
       CASE WHEN what IN ('open', 'bad') THEN 'FAIL' WHEN what = 'good' THEN 'PASS' WHEN what = 'none' THEN 'NOT_APPLICABLE' ELSE 'UNKNOWN' END AS verdict,
       CASE what
         WHEN 'open' THEN 'Critical: the policy was ' || open_story || '. ' || COALESCE(event_story || '.', 'No event says who did it.')
         WHEN 'bad' THEN event_story || '.'
         WHEN 'none' THEN 'AWS writes the policy of its own keys.'
         WHEN 'foreign' THEN 'The key belongs to account ' || owner || ', which alone can read its policy and its events.'
         WHEN 'unsaid' THEN 'Its policy could not be read' || COALESCE(' (' || access_error || ')', '') || '.'
         WHEN 'nobody' THEN 'Its policy is another one than before, and no event says who changed it.'
         ELSE COALESCE('Changed only by administrators and by AWS: ' || event_story || '.', 'No change of its policy or grants in the window.') END AS reason,
       '[' || all_evidence || ']' AS evidence,
       since
FROM judged
UNION ALL
SELECT u.account_id, u.region, 'kms_key', u.kms_key_arn, u.name, 'UNKNOWN',
       'The key is in use, and was never described.', '[' || u.evidence || ']', CAST(NULL AS TIMESTAMP)
FROM kms_keys_in_use AS u
LEFT JOIN present AS k ON k.kms_key_arn = u.kms_key_arn
WHERE k.kms_key_arn IS NULL
