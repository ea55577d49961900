-- id: LB-KEY-05
-- version: 1
-- title: Age of key material
-- severity: high
-- question: How old is the material of every customer managed key, whatever its settings promise?
-- needs: kms_key_state/keys, kms_key_rotations/rotations, cluster_encryption_state/clusters, snapshot_encryption_state/snapshots
-- window: now
-- param max_age_days int = 400: oldest age; a key that rotates by itself may be 30 days older than its period, if that is less
-- do: Rotate it now with kms:RotateKeyOnDemand, or, for imported material, create a key and change the cluster to it.
-- do: A key that is disabled or to be deleted does not rotate, although its setting says so.
WITH rotations AS (
  SELECT kms_key_arn, rotation_date, rotation_type,
         ROW_NUMBER() OVER (PARTITION BY kms_key_arn ORDER BY rotation_date DESC, rotation_type) AS age,
         '{"table":"kms_key_rotations","key":{"kms_key_arn":"' || kms_key_arn || '","rotation_date":"'
           || TO_CHAR(rotation_date, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","rotation_type":"' || rotation_type || '"}}' AS evidence
  FROM kms_key_rotations
  WHERE rotation_date <= :as_of
),
-- That no rotation is listed says something only as far as the lists were read.
reach AS (
  SELECT account_id, region, MAX(LEAST(window_to, :as_of)) AS read_until
  FROM collection_runs
  WHERE collector = 'rotations' AND status = 'ok' AND window_from < :as_of
  GROUP BY account_id, region
),
aged AS (
  SELECT u.kms_key_arn AS arn, COALESCE(k.account_id, u.account_id) AS account,
         COALESCE(k.region, u.region) AS place, k.alias, k.evidence, k.key_manager, k.access_error,
         k.owner, k.account_id, r.evidence AS rotation_evidence, r.rotation_type, c.read_until,
         GREATEST(k.creation_date, r.rotation_date, CASE WHEN k.last_rotation_at <= :as_of THEN k.last_rotation_at END) AS renewed,
         k.creation_date,
         CASE WHEN k.rotation_enabled AND k.rotation_period_days IS NOT NULL THEN LEAST(k.rotation_period_days + 30, :max_age_days)
              ELSE :max_age_days END AS allowed
  FROM kms_keys_in_use AS u
  LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = u.kms_key_arn
  LEFT JOIN rotations AS r ON r.kms_key_arn = u.kms_key_arn AND r.age = 1
  LEFT JOIN reach AS c ON c.account_id = k.account_id AND c.region = k.region
),
judged AS (
  SELECT *,
         CASE WHEN key_manager = 'AWS' THEN 'aws'
              WHEN key_manager IS NULL OR creation_date IS NULL THEN 'unsaid'
              WHEN DATEDIFF(second, renewed, :as_of) <= allowed * 86400 THEN 'young'
              WHEN owner <> account_id THEN 'foreign'
              WHEN STRPOS(access_error, 'ListKeyRotations') > 0 THEN 'unsaid'
              WHEN DATEDIFF(second, renewed, read_until) > allowed * 86400 THEN 'old'
              ELSE 'unread' END AS what
  FROM aged
)
SELECT account AS account_id, place AS region, 'kms_key' AS entity_type, arn AS entity,
       COALESCE(NULLIF(REPLACE(alias, 'alias/', ''), ''), SPLIT_PART(arn, '/', 2)) AS entity_name,
       CASE what WHEN 'young' THEN 'PASS' WHEN 'old' THEN 'FAIL' WHEN 'aws' THEN 'NOT_APPLICABLE' ELSE 'UNKNOWN' END AS verdict,
       CASE what
         WHEN 'aws' THEN 'AWS rotates its own keys once a year.'
         WHEN 'unsaid' THEN 'The age of the key''s material could not be read' || COALESCE(' (' || access_error || ')', '') || '.'
         WHEN 'foreign' THEN 'Created ' || TO_CHAR(creation_date, 'YYYY-MM-DD') || '; the rotations of a key of another account cannot be listed.'
         WHEN 'unread' THEN 'No rotation since ' || TO_CHAR(renewed, 'YYYY-MM-DD') || ' is known, but its rotations were not listed since '
           || COALESCE(TO_CHAR(read_until, 'YYYY-MM-DD'), 'ever') || '.'
         ELSE 'The material is ' || CAST(DATEDIFF(day, renewed, :as_of) AS VARCHAR) || ' days old (since ' || TO_CHAR(renewed, 'YYYY-MM-DD')
           || CASE WHEN rotation_type IS NULL THEN ', when the key was created' ELSE ', rotation ' || rotation_type END || '); '
           || CAST(allowed AS VARCHAR) || ' are allowed.' END AS reason,
       '[' || COALESCE(evidence || COALESCE(',' || rotation_evidence, ''), rotation_evidence, '') || ']' AS evidence,
       CASE WHEN what = 'old' THEN DATEADD(day, CAST(allowed AS BIGINT), renewed) END AS since
FROM judged
