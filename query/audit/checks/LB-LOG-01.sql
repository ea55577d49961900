-- id: LB-LOG-01
-- version: 1
-- title: Audit logging without a break
-- severity: high
-- question: Was audit logging, with user activity, on and delivered all through the window?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace, encryption_events/redshift_events, encryption_events/cloudtrail|trail_files
-- window: window
-- do: Switch it on with EnableLogging, set enable_user_activity_logging to true, and repair the policy of the log bucket.
-- do: What was done while it was off is not in the audit log; the STL tables in the lake may still have it.
WITH present AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY cluster_namespace_arn ORDER BY start_hi DESC) AS age,
         GREATEST(start_hi, :from) <= LEAST(end_lo, :to) AS certain
  FROM cluster_encryption_intervals
  WHERE start_hi < :to AND (end_hi IS NULL OR end_hi > :from)
),
states AS (
  SELECT cluster_namespace_arn,
         MAX(CASE WHEN NOT logging_enabled AND certain THEN 1 ELSE 0 END) AS off,
         MAX(CASE WHEN NOT user_activity_logging AND certain THEN 1 ELSE 0 END) AS no_activity,
         MAX(CASE WHEN logging_enabled IS NULL OR user_activity_logging IS NULL
                       OR ((NOT logging_enabled OR NOT user_activity_logging) AND NOT certain) THEN 1 ELSE 0 END) AS unclear,
         MIN(CASE WHEN (NOT logging_enabled OR NOT user_activity_logging) AND certain THEN start_hi END) AS since,
         MIN(CASE WHEN NOT logging_enabled AND certain THEN start_hi END) AS off_from,
         MAX(CASE WHEN NOT logging_enabled AND certain THEN end_lo END) AS off_to,
         MAX(CASE WHEN NOT logging_enabled AND certain AND end_hi IS NULL THEN 1 ELSE 0 END) AS still_off,
         LISTAGG(CASE WHEN NOT logging_enabled OR NOT user_activity_logging OR logging_enabled IS NULL OR user_activity_logging IS NULL
                      THEN evidence END, ',') WITHIN GROUP (ORDER BY start_hi) AS evidence
  FROM present
  GROUP BY cluster_namespace_arn
),
-- Times of deliveries change all the time and begin no new interval, so the rows themselves are asked.
deliveries AS (
  SELECT cluster_namespace_arn, COUNT(*) AS failed, MIN(log_last_failure) AS since, MAX(log_last_failure_message) AS message,
         MIN('{"table":"cluster_encryption_state","key":{"cluster_namespace_arn":"' || cluster_namespace_arn || '","observed_at":"'
             || TO_CHAR(observed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}}') AS evidence
  FROM cluster_encryption_state
  WHERE observed_at >= :from AND observed_at < :to AND observed_at <= :as_of AND obs_kind <> 'tombstone'
    AND log_last_failure > COALESCE(log_last_success, TIMESTAMP '1970-01-01 00:00:00')
  GROUP BY cluster_namespace_arn
),
told AS (
  SELECT cluster_namespace_arn,
         MAX(CASE WHEN event_class IN ('logging.disabled', 'logging.failed') AND (outcome <> 'failure' OR event_class = 'logging.failed') THEN 1 ELSE 0 END) AS bad,
         MIN(event_time) AS since,
         LEFT(LISTAGG(event_name || ' ' || TO_CHAR(event_time, 'YYYY-MM-DD HH24:MI') || ' UTC'
                 || COALESCE(' by ' || COALESCE(session_issuer_arn, actor_arn, invoked_by), ''), '; ') WITHIN GROUP (ORDER BY event_time, event_key), 1000) AS story,
         LISTAGG(evidence, ',') WITHIN GROUP (ORDER BY event_time, event_key) AS evidence
  FROM encryption_facts
  WHERE event_class IN ('logging.disabled', 'logging.failed') AND event_time >= :from AND event_time < :to
    AND cluster_namespace_arn IS NOT NULL
  GROUP BY cluster_namespace_arn
)
SELECT p.account_id, p.region, p.entity_type, p.cluster_namespace_arn AS entity, p.cluster_identifier AS entity_name,
       CASE WHEN s.off = 1 OR s.no_activity = 1 OR d.failed > 0 OR t.bad = 1 THEN 'FAIL'
            WHEN s.unclear = 1 THEN 'UNKNOWN'
            ELSE 'PASS' END AS verdict,
       CASE WHEN s.off = 1 OR s.no_activity = 1 OR d.failed > 0 OR t.bad = 1
            THEN CASE WHEN s.off = 1 THEN 'Logging was off, as seen from ' || TO_CHAR(s.off_from, 'YYYY-MM-DD HH24:MI')
                        || CASE WHEN s.still_off = 1 THEN ' UTC until now. ' ELSE ' to ' || TO_CHAR(s.off_to, 'YYYY-MM-DD HH24:MI') || ' UTC. ' END ELSE '' END
                 || CASE WHEN s.no_activity = 1 THEN 'User activity was not logged. ' ELSE '' END
                 || CASE WHEN d.failed > 0 THEN 'Logs could not be delivered since ' || TO_CHAR(d.since, 'YYYY-MM-DD HH24:MI')
                        || COALESCE(': ' || d.message, '.') || ' ' ELSE '' END
                 || COALESCE(t.story || '.', 'No event of the window says who did it.')
            WHEN s.unclear = 1 THEN 'The settings of its logs were not readable, or changed around the edge of the window.'
            ELSE 'Logging was on, with user activity, in every observation of the window.' END AS reason,
       '[' || COALESCE(NULLIF(s.evidence, ''), p.evidence) || COALESCE(',' || d.evidence, '') || COALESCE(',' || t.evidence, '') || ']' AS evidence,
       LEAST(s.since, d.since, t.since) AS since
FROM present AS p
JOIN states AS s ON s.cluster_namespace_arn = p.cluster_namespace_arn
LEFT JOIN deliveries AS d ON d.cluster_namespace_arn = p.cluster_namespace_arn
LEFT JOIN told AS t ON t.cluster_namespace_arn = p.cluster_namespace_arn
WHERE p.age = 1
