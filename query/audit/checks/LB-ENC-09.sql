-- id: LB-ENC-09
-- version: 1
-- title: Encryption was weakened
-- severity: high
-- question: Did anyone switch encryption off, or change a cluster from a customer managed key to one of AWS?
-- needs: encryption_events/cloudtrail|trail_files
-- window: window
-- param break_glass text: ARNs of roles or users that may in an emergency, separated by commas
-- param ticket_tag text = ticket: tag that the cluster must have for that
-- do: Ask the one who did it, change the cluster back, and delete the snapshots of the time between (LB-ENC-05).
WITH present AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi DESC) AS age
  FROM cluster_encryption_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
changes AS (
  SELECT p.cluster_namespace_arn, e.event_key, e.event_time, e.event_name, e.evidence,
         COALESCE(e.session_issuer_arn, e.actor_arn, e.invoked_by, 'somebody whom the event does not name') AS actor,
         e.event_class,
         e.event_class = 'encryption.disabled' AS switched_off,
         e.encryption_type_after IN ('kms_aws_managed', 'kms_aws_owned') OR n.key_manager = 'AWS' AS to_aws,
         COALESCE(o.key_manager = 'CUSTOMER' OR b.encryption_type = 'kms_cmk', false) AS from_customer,
         COALESCE(o.key_manager = 'AWS' OR b.encryption_type IN ('kms_aws_managed', 'kms_aws_owned', 'none'), false) AS from_weak,
         :break_glass IS NOT NULL
           AND STRPOS(',' || REPLACE(:break_glass, ' ', '') || ',', ',' || COALESCE(e.session_issuer_arn, e.actor_arn) || ',') > 0
           AND JSON_EXTRACT_PATH_TEXT(p.tags, :ticket_tag, true) IS NOT NULL AS excused
  FROM present AS p
  JOIN encryption_facts AS e
    ON e.cluster_namespace_arn = p.cluster_namespace_arn
    OR (e.cluster_namespace_arn IS NULL AND e.cluster_identifier = p.cluster_identifier AND e.account_id = p.account_id AND e.region = p.region)
  LEFT JOIN kms_key_latest AS n ON n.kms_key_arn = e.kms_key_arn
  LEFT JOIN kms_key_latest AS o ON o.kms_key_arn = e.prev_kms_key_arn
  LEFT JOIN cluster_encryption_intervals AS b
    ON b.cluster_namespace_arn = p.cluster_namespace_arn AND b.start_hi <= e.time_lo AND (b.end_hi IS NULL OR b.end_hi > e.time_lo)
  WHERE p.age = 1
    AND e.event_class IN ('encryption.disabled', 'encryption.key_changed')
    AND e.outcome <> 'failure'
    AND e.event_time >= :from AND e.event_time < :to
),
judged AS (
  SELECT *,
         CASE WHEN switched_off OR (to_aws AND from_customer) THEN CASE WHEN excused THEN 'excused' ELSE 'bad' END
              WHEN from_weak OR NOT to_aws THEN 'good'
              ELSE 'unclear' END AS what
  FROM changes
),
summed AS (
  SELECT cluster_namespace_arn,
         MAX(CASE WHEN what = 'bad' THEN 1 ELSE 0 END) AS bad,
         MAX(CASE WHEN what = 'unclear' THEN 1 ELSE 0 END) AS unclear,
         MIN(CASE WHEN what = 'bad' THEN event_time END) AS since,
         LISTAGG(event_name || ' ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' by ' || actor
                 || CASE WHEN switched_off THEN ' switched encryption off'
                         WHEN what = 'good' THEN ' changed the key, not to a weaker one'
                         ELSE ' changed it to a key of AWS' END
                 || CASE WHEN what = 'excused' THEN ' (allowed in an emergency, with a ticket)' ELSE '' END, '; ')
           WITHIN GROUP (ORDER BY event_time, event_key) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY event_time, event_key) AS evidence
  FROM judged
  GROUP BY cluster_namespace_arn
)
SELECT p.account_id, p.region, p.entity_type, p.cluster_namespace_arn AS entity, p.cluster_identifier AS entity_name,
       CASE WHEN s.bad = 1 THEN 'FAIL' WHEN s.unclear = 1 THEN 'UNKNOWN' ELSE 'PASS' END AS verdict,
       COALESCE(s.story || '.', 'No event of the window weakened its encryption.')
         || CASE WHEN s.bad = 0 AND s.unclear = 1 THEN ' Which kind of key it was under before is not known.' ELSE '' END AS reason,
       '[' || COALESCE(s.evidence, p.evidence) || ']' AS evidence,
       s.since
FROM present AS p
LEFT JOIN summed AS s ON s.cluster_namespace_arn = p.cluster_namespace_arn
WHERE p.age = 1
