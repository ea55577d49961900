-- Rotations of keys, the three kinds told apart.
SELECT event_time, event_class, COALESCE(cluster_identifier, '') AS cluster, COALESCE(kms_key_arn, '') AS kms_key_arn, outcome,
       COALESCE(actor_arn, invoked_by, '') AS who, sources
FROM encryption_facts
WHERE event_time >= :from AND event_time < :to
  AND event_class <> 'crypto.used'
ORDER BY event_time DESC, event_class
LIMIT 200
