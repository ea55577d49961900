-- shows: the last known state of each KMS key at the moment of the audit; a key that its owner's account describes is taken from there
-- source: kms_key_state; `evidence` is the row itself, by its natural key; `owner` is the account in the key's ARN
WITH aged AS (
  SELECT *,
         SPLIT_PART(kms_key_arn, ':', 5) AS owner,
         ROW_NUMBER() OVER (PARTITION BY kms_key_arn, account_id ORDER BY observed_at DESC, run_id DESC) AS age
  FROM kms_key_state
  WHERE observed_at <= :as_of
),
-- Several accounts may describe one key. The owner's account sees most of it, then whoever was let in.
chosen AS (
  SELECT *,
         ROW_NUMBER() OVER (PARTITION BY kms_key_arn
                            ORDER BY CASE WHEN account_id = owner THEN 0 WHEN key_manager IS NOT NULL THEN 1 ELSE 2 END,
                                     account_id) AS choice
  FROM aged
  WHERE age = 1 AND obs_kind <> 'tombstone'
)
SELECT * EXCLUDE (age, choice),
       COALESCE(JSON_EXTRACT_ARRAY_ELEMENT_TEXT(COALESCE(aliases, '[]'), 0, true), '') AS alias,
       '{"table":"kms_key_state","key":{"kms_key_arn":"' || kms_key_arn || '","observed_at":"'
         || TO_CHAR(observed_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"}}' AS evidence
FROM chosen
WHERE choice = 1
