-- title: Events of encryption by day
-- group: security
-- severity: info
-- question: When did something happen to keys, clusters and snapshots?
-- param from timestamp: only events at or after this time
-- param to timestamp: only events before this time
-- column day date: day, UTC
-- column event_class name: what happened
-- column events count: how often; what several sources tell is one event
-- chart lines: x=day y=events series=event_class
-- do: Three rotations are told apart: of a KMS key's material, of Redshift's own keys, and the change of the root key.
SELECT CAST(event_time AS DATE) AS day, event_class, COUNT(*) AS events
FROM encryption_facts
WHERE (:from IS NULL OR event_time >= :from)
  AND (:to IS NULL OR event_time < :to)
GROUP BY CAST(event_time AS DATE), event_class
ORDER BY day, event_class
