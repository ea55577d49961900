-- title: Rotations
-- group: security
-- severity: info
-- question: When were keys rotated: the material of KMS keys, and Redshift's own cluster keys?
-- param from timestamp: only rotations at or after this time
-- param to timestamp: only rotations before this time
-- column rotated_at time: when; of a cluster, when it was first seen rotating
-- column what name: material of a KMS key, or keys of a cluster
-- column entity name: the key, or the cluster
-- column kind name: automatic or on demand; of a cluster empty
-- column account_id name: account
-- column region name: region
-- do: These are two rotations. That of a KMS key changes nothing inside Redshift.
WITH rotations AS (
  SELECT rotation_date AS rotated_at, 'KMS key material' AS what, kms_key_arn AS entity, rotation_type AS kind, account_id, region
  FROM kms_key_rotations
  UNION ALL
  SELECT start_hi, 'cluster keys', cluster_identifier, '', account_id, region
  FROM cek_rotation_intervals
)
SELECT rotated_at, what, entity, kind, account_id, region
FROM rotations
WHERE (:from IS NULL OR rotated_at >= :from)
  AND (:to IS NULL OR rotated_at < :to)
ORDER BY rotated_at DESC, what, entity
LIMIT 200
