-- id: LB-ENC-05
-- version: 1
-- title: Snapshots weaker than their cluster
-- severity: high
-- question: Which snapshots that still exist are not encrypted, or are under another key than their cluster?
-- needs: snapshot_encryption_state/snapshots, cluster_encryption_state/clusters, kms_key_state/keys
-- window: now
-- do: Take a new snapshot under the cluster's present key, then delete the old one. A snapshot is never encrypted again by itself.
-- do: A copy in another region is compared with the key of the cluster's copy grant there.
WITH looked AS (
  SELECT s.*,
         c.evidence AS cluster_evidence, c.encrypted AS cluster_encrypted, c.cluster_identifier AS cluster_name,
         c.encryption_type AS cluster_encryption, c.cluster_namespace_arn AS cluster,
         s.source_region IS NOT NULL AND s.source_region <> s.region AS is_copy,
         CASE WHEN s.source_region IS NOT NULL AND s.source_region <> s.region THEN c.snapshot_copy_grant_kms_key_arn
              ELSE c.kms_key_arn END AS wanted_key,
         k.key_manager, k.evidence AS key_evidence
  FROM snapshot_encryption_latest AS s
  LEFT JOIN cluster_encryption_latest AS c
    ON c.cluster_namespace_arn = s.cluster_namespace_arn
    OR (s.cluster_namespace_arn IS NULL AND c.create_time = s.cluster_create_time AND c.account_id = s.account_id
        AND c.region = COALESCE(s.source_region, s.region))
  LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = s.kms_key_arn
  -- A region that has only copies does not know their clusters.
  WHERE (s.source_cluster_exists IS DISTINCT FROM false) OR c.cluster_namespace_arn IS NOT NULL
),
-- The state of the cluster when the snapshot was taken.
taken AS (
  SELECT l.snapshot_arn, MIN(i.evidence) AS evidence
  FROM looked AS l
  JOIN cluster_encryption_intervals AS i ON i.cluster_namespace_arn = l.cluster
  WHERE NOT i.encrypted AND i.start_hi <= l.snapshot_create_time AND i.end_lo >= l.snapshot_create_time
  GROUP BY l.snapshot_arn
),
judged AS (
  SELECT l.*, t.evidence AS taken_evidence,
         CASE WHEN NOT l.encrypted THEN 'open'
              WHEN l.encrypted IS NULL THEN 'unsaid'
              WHEN l.cluster IS NULL THEN 'alone'
              WHEN NOT l.cluster_encrypted THEN 'stronger'
              WHEN l.cluster_encryption = 'kms_cmk' AND (l.key_manager = 'AWS' OR l.kms_key_arn IS NULL) THEN 'aws'
              WHEN l.is_copy AND l.wanted_key IS NULL AND l.key_manager IS NULL THEN 'undescribed'
              WHEN l.is_copy AND l.wanted_key IS NULL THEN 'copy'
              WHEN (l.kms_key_arn IS DISTINCT FROM l.wanted_key) THEN 'other'
              ELSE 'same' END AS what
  FROM looked AS l
  LEFT JOIN taken AS t ON t.snapshot_arn = l.snapshot_arn
)
SELECT account_id, region, entity_type, snapshot_arn AS entity, snapshot_identifier AS entity_name,
       CASE WHEN what IN ('open', 'aws', 'other') THEN 'FAIL' WHEN what IN ('unsaid', 'alone', 'undescribed') THEN 'UNKNOWN' ELSE 'PASS' END AS verdict,
       CASE what
         WHEN 'open' THEN 'The snapshot is not encrypted, and still exists'
           || CASE WHEN taken_evidence IS NOT NULL THEN '; it was taken while the cluster was not encrypted' ELSE '' END || '.'
         WHEN 'unsaid' THEN 'AWS did not say whether the snapshot is encrypted.'
         WHEN 'alone' THEN 'Its cluster is not in the record, so there is nothing to compare with.'
         WHEN 'stronger' THEN 'The snapshot is encrypted, its cluster is not.'
         WHEN 'aws' THEN 'The snapshot is under a key of AWS (' || COALESCE(kms_key_arn, 'AWS owned') || '), its cluster under a customer managed one.'
         WHEN 'undescribed' THEN 'The key of the copy was never described.'
         WHEN 'copy' THEN 'A copy under a customer managed key; its cluster makes no more copies.'
         WHEN 'other' THEN 'The snapshot is under ' || COALESCE(kms_key_arn, 'a key that AWS owns') || ', '
           || CASE WHEN is_copy THEN 'the copy grant' ELSE 'the cluster' END || ' under ' || COALESCE(wanted_key, 'a key that AWS owns') || '.'
         ELSE 'The snapshot is under the same key as ' || CASE WHEN is_copy THEN 'the copy grant' ELSE 'the cluster' END || '.' END AS reason,
       '[' || evidence || COALESCE(',' || cluster_evidence, '') || COALESCE(',' || taken_evidence, '')
         || CASE WHEN what = 'aws' THEN COALESCE(',' || key_evidence, '') ELSE '' END || ']' AS evidence,
       CASE WHEN what IN ('open', 'aws', 'other') THEN snapshot_create_time END AS since
FROM judged
