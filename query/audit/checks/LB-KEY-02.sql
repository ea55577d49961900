-- id: LB-KEY-02
-- version: 1
-- title: A key was unusable while a cluster depended on it
-- severity: critical
-- question: Was the key of any cluster disabled, scheduled for deletion or otherwise unusable while the cluster was under it?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace, kms_key_state/keys
-- window: window
-- do: Let only key administrators call kms:DisableKey and kms:ScheduleKeyDeletion, and refuse both for keys that clusters use.
-- do: LB-ROT-03 and the timeline of the cluster show what failed in that time.
WITH present AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi DESC) AS age
  FROM cluster_encryption_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
under AS (
  SELECT cluster_namespace_arn, kms_key_arn, start_lo, start_hi, end_lo, end_hi, evidence
  FROM present
  WHERE encrypted AND kms_key_arn IS NOT NULL
),
first_seen AS (
  SELECT kms_key_arn, MIN(start_hi) AS first_seen FROM kms_key_intervals GROUP BY kms_key_arn
),
-- Both states side by side. Certain: both were observed at one moment of the window. Possible: they may have met.
meetings AS (
  SELECT u.cluster_namespace_arn, u.kms_key_arn, u.evidence AS cluster_evidence, k.evidence AS key_evidence, k.key_state,
         k.access_error, k.kms_key_arn AS described, k.start_hi, k.end_lo, k.end_hi,
         CASE WHEN f.first_seen IS NULL OR f.first_seen > DATEADD(hour, 1, GREATEST(u.start_hi, :from)) THEN 'unseen'
              WHEN k.key_state = 'Enabled' THEN 'good'
              WHEN k.key_state IS NULL THEN 'unsaid'
              WHEN GREATEST(u.start_hi, k.start_hi, :from) <= LEAST(u.end_lo, k.end_lo, :to) THEN 'bad'
              ELSE 'maybe' END AS what
  FROM under AS u
  LEFT JOIN first_seen AS f ON f.kms_key_arn = u.kms_key_arn
  LEFT JOIN kms_key_intervals AS k
    ON k.kms_key_arn = u.kms_key_arn
   AND GREATEST(COALESCE(u.start_lo, u.start_hi), COALESCE(k.start_lo, k.start_hi), :from)
         < LEAST(COALESCE(u.end_hi, :to), COALESCE(k.end_hi, :to), :to)
),
-- An outage between two looks, or one whose states were not collected, is still told by events.
told AS (
  SELECT u.cluster_namespace_arn, e.event_key, e.event_time, e.evidence,
         e.event_class <> 'crypto.denied' OR e.error_code IN ('DisabledException', 'KMSInvalidStateException') AS proves,
         e.event_name || ' ' || TO_CHAR(e.event_time, 'YYYY-MM-DD HH24:MI') || ' by '
           || COALESCE(e.session_issuer_arn, e.actor_arn, e.invoked_by, 'somebody whom the event does not name')
           || COALESCE(' (' || e.error_code || ')', '') AS words
  FROM (SELECT cluster_namespace_arn, kms_key_arn, MIN(COALESCE(start_lo, start_hi)) AS under_from,
               MAX(COALESCE(end_hi, :to)) AS under_to
        FROM under
        GROUP BY cluster_namespace_arn, kms_key_arn) AS u
  JOIN encryption_facts AS e ON e.kms_key_arn = u.kms_key_arn
  WHERE e.source <> 'state_diff' AND e.event_time >= GREATEST(u.under_from, :from) AND e.event_time < LEAST(u.under_to, :to)
    AND ((e.event_class IN ('key_state.disabled', 'key_state.deletion_scheduled', 'key_state.deleted', 'key_state.material_deleted',
                            'key_state.material_expired') AND e.outcome <> 'failure')
         OR (e.event_class = 'crypto.denied'
             AND (e.invoked_by = 'redshift.amazonaws.com' OR STRPOS(e.encryption_context, 'aws:redshift:arn') > 0)))
),
words AS (
  SELECT cluster_namespace_arn, MAX(CASE WHEN proves THEN 1 ELSE 0 END) AS proves, MIN(CASE WHEN proves THEN event_time END) AS since,
         LEFT(LISTAGG(words, '; ') WITHIN GROUP (ORDER BY event_time, event_key), 1000) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY event_time, event_key) AS evidence
  FROM told
  GROUP BY cluster_namespace_arn
),
summed AS (
  SELECT cluster_namespace_arn,
         MAX(CASE WHEN what = 'bad' THEN 1 ELSE 0 END) AS bad,
         MAX(CASE WHEN what NOT IN ('bad', 'good') THEN 1 ELSE 0 END) AS unclear,
         MAX(access_error) AS access_error,
         MIN(CASE WHEN what = 'bad' THEN start_hi END) AS since,
         LISTAGG(DISTINCT CASE WHEN what = 'bad' THEN kms_key_arn || ' was ' || key_state || ', as seen from '
                   || TO_CHAR(start_hi, 'YYYY-MM-DD HH24:MI') || CASE WHEN end_hi IS NULL THEN ' UTC until now' ELSE ' to ' || TO_CHAR(end_lo, 'YYYY-MM-DD HH24:MI') || ' UTC' END
                   END, '; ')
           WITHIN GROUP (ORDER BY CASE WHEN what = 'bad' THEN kms_key_arn || ' was ' || key_state || ', as seen from '
                   || TO_CHAR(start_hi, 'YYYY-MM-DD HH24:MI') || CASE WHEN end_hi IS NULL THEN ' UTC until now' ELSE ' to ' || TO_CHAR(end_lo, 'YYYY-MM-DD HH24:MI') || ' UTC' END
                   END) AS story,
         LISTAGG(DISTINCT CASE WHEN what <> 'good' THEN cluster_evidence || COALESCE(',' || key_evidence, '') END, ',')
           WITHIN GROUP (ORDER BY CASE WHEN what <> 'good' THEN cluster_evidence || COALESCE(',' || key_evidence, '') END) AS bad_evidence,
         MAX(CASE WHEN what = 'good' THEN cluster_evidence || COALESCE(',' || key_evidence, '') END) AS good_evidence
  FROM meetings
  GROUP BY cluster_namespace_arn
),
unnamed AS (
  SELECT cluster_namespace_arn,
         MAX(CASE WHEN (encrypted IS NULL OR encrypted) AND kms_key_arn IS NULL
                   AND encryption_type NOT IN ('kms_aws_owned', 'hsm') THEN 1 ELSE 0 END) AS unnamed
  FROM present
  GROUP BY cluster_namespace_arn
)
SELECT p.account_id, p.region, p.entity_type, p.cluster_namespace_arn AS entity, p.cluster_identifier AS entity_name,
       CASE WHEN s.bad = 1 OR w.proves = 1 THEN 'FAIL'
            WHEN s.unclear = 1 OR n.unnamed = 1 THEN 'UNKNOWN'
            WHEN s.cluster_namespace_arn IS NULL THEN 'NOT_APPLICABLE'
            ELSE 'PASS' END AS verdict,
       CASE WHEN s.bad = 1 THEN s.story || '. ' || COALESCE(w.story || '.', 'No event says who did it.')
            WHEN w.proves = 1 THEN 'Events show that its key was made unusable: ' || w.story || '.'
            WHEN s.access_error IS NOT NULL THEN 'The state of its key could not be read (' || s.access_error || ').'
            WHEN s.unclear = 1 THEN 'The state of its key was not observed for all of the window.'
            WHEN n.unnamed = 1 THEN 'Encrypted, but with a key that AWS did not name.'
            WHEN s.cluster_namespace_arn IS NULL THEN 'It was under no KMS key of ours in the window.'
            ELSE 'Its key was enabled in every observation of the window.' END AS reason,
       '[' || COALESCE(s.bad_evidence, s.good_evidence, p.evidence) || COALESCE(',' || w.evidence, '') || ']' AS evidence,
       LEAST(s.since, w.since) AS since
FROM present AS p
JOIN unnamed AS n ON n.cluster_namespace_arn = p.cluster_namespace_arn
LEFT JOIN summed AS s ON s.cluster_namespace_arn = p.cluster_namespace_arn
LEFT JOIN words AS w ON w.cluster_namespace_arn = p.cluster_namespace_arn
WHERE p.age = 1
