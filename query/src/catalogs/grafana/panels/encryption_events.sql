-- title: What happened, and who did it
-- group: security
-- severity: info
-- question: Who changed keys, encryption, grants or parameters?
-- param from timestamp: only events at or after this time
-- param to timestamp: only events before this time
-- param top int = 50: events shown, newest first
-- column event_time time: when
-- column event_class name: what happened
-- column event_name name: what AWS calls it
-- column entity name: cluster, snapshot or key
-- column actor_arn name: who did it
-- column source_ip name: from where
-- column outcome name: whether it succeeded
-- column account_id name: account
-- column region name: region
-- do: An actor that you do not expect is worth a look at CloudTrail's record of that moment.
SELECT event_time,
       event_class,
       event_name,
       COALESCE(cluster_identifier, snapshot_identifier, kms_key_arn, resource_arn, resource_id) AS entity,
       actor_arn,
       source_ip,
       outcome,
       account_id,
       region
FROM encryption_facts
WHERE (:from IS NULL OR event_time >= :from)
  AND (:to IS NULL OR event_time < :to)
ORDER BY event_time DESC, event_class, entity
LIMIT :top
