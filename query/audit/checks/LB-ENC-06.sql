-- id: LB-ENC-06
-- version: 1
-- title: Orphan snapshots that can never be re-keyed
-- severity: medium
-- question: Which snapshots of clusters that are gone are not encrypted, under a key that is not enabled, or too old?
-- needs: snapshot_encryption_state/snapshots, kms_key_state/keys
-- window: now
-- param max_age_days int = 365: oldest age at which such a snapshot is still wanted
-- do: Keys of a snapshot whose cluster is gone cannot be rotated. Delete it, or restore it, and take a snapshot under a key of today.
WITH looked AS (
  SELECT s.*, k.key_state, k.evidence AS key_evidence, DATEDIFF(day, s.snapshot_create_time, :as_of) AS age_days,
         s.snapshot_create_time < DATEADD(day, CAST(-1 * :max_age_days AS BIGINT), :as_of) AS old
  FROM snapshot_encryption_latest AS s
  LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = s.kms_key_arn
  -- A region that has only copies does not know their clusters.
  LEFT JOIN cluster_encryption_latest AS c
    ON c.cluster_namespace_arn = s.cluster_namespace_arn
    OR (s.cluster_namespace_arn IS NULL AND c.create_time = s.cluster_create_time AND c.account_id = s.account_id
        AND c.region = COALESCE(s.source_region, s.region))
  WHERE NOT s.source_cluster_exists AND c.cluster_namespace_arn IS NULL
)
SELECT account_id, region, entity_type, snapshot_arn AS entity, snapshot_identifier AS entity_name,
       CASE WHEN NOT encrypted OR key_state <> 'Enabled' OR old THEN 'FAIL'
            WHEN encrypted IS NULL OR snapshot_create_time IS NULL THEN 'UNKNOWN'
            WHEN kms_key_arn IS NOT NULL AND key_state IS NULL THEN 'UNKNOWN'
            ELSE 'PASS' END AS verdict,
       'The cluster ' || COALESCE(cluster_identifier, 'of the snapshot') || ' is gone; the snapshot is '
         || CASE WHEN encrypted THEN 'encrypted' WHEN NOT encrypted THEN 'not encrypted' ELSE 'of unknown encryption' END
         || ', ' || COALESCE(CAST(age_days AS VARCHAR), 'an unknown number of') || ' days old'
         || CASE WHEN kms_key_arn IS NULL THEN '' ELSE ', its key is ' || COALESCE(key_state, 'of unknown state') END || '.' AS reason,
       '[' || evidence || COALESCE(',' || key_evidence, '') || ']' AS evidence,
       snapshot_create_time AS since
FROM looked
