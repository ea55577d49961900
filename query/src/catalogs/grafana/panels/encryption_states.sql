-- title: Encryption of each cluster over time
-- group: security
-- severity: info
-- question: Was a cluster ever seen unencrypted, or under another kind of key?
-- param from timestamp: only observations at or after this time
-- param to timestamp: only observations before this time
-- column time time: when it was seen
-- column cluster name: cluster or namespace, with its account
-- column state name: how it was encrypted
-- do: A state is written down when it changes and once a day, so a range of less than a day can be empty.
SELECT observed_at AS "time",
       cluster_identifier || ' (' || account_id || ')' AS cluster,
       CASE WHEN obs_kind = 'tombstone' THEN 'gone' ELSE encryption_type END AS state
FROM cluster_encryption_state
WHERE (:from IS NULL OR observed_at >= :from)
  AND (:to IS NULL OR observed_at < :to)
ORDER BY observed_at, cluster
