-- shows: each KMS key that something depends on at the moment of the audit, and what does
-- source: kms_key_references. `users` counts them, `names` are at most 300 characters, `evidence` has the rows of the first 20; `account_id` is
-- source: of one of them, `region` and `name` are of the key's ARN
SELECT kms_key_arn, MIN(account_id) AS account_id, SPLIT_PART(kms_key_arn, ':', 4) AS region, SPLIT_PART(kms_key_arn, '/', 2) AS name,
       COUNT(DISTINCT used_by) AS users,
       LEFT(LISTAGG(DISTINCT used_by_name, ', ') WITHIN GROUP (ORDER BY used_by_name), 300) AS names,
       LISTAGG(CASE WHEN place <= 20 THEN evidence END, ',') WITHIN GROUP (ORDER BY place) AS evidence
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY kms_key_arn ORDER BY used_by, used_for) AS place FROM kms_key_references) AS ordered
GROUP BY kms_key_arn
