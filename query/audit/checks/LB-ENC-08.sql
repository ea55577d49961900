-- id: LB-ENC-08
-- version: 1
-- title: Key of the admin password
-- severity: medium
-- question: Is the secret with the admin's password under a customer managed key?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace, kms_key_state/keys
-- window: now
-- do: Set MasterPasswordSecretKmsKeyId (adminPasswordSecretKmsKeyId for Serverless) to a customer managed key.
SELECT c.account_id, c.region, c.entity_type, c.cluster_namespace_arn AS entity, c.cluster_identifier AS entity_name,
       CASE WHEN c.master_secret_arn IS NULL THEN 'NOT_APPLICABLE'
            WHEN k.key_manager = 'AWS' OR k.aliases LIKE '%"alias/aws/%' THEN 'FAIL'
            WHEN k.key_manager = 'CUSTOMER' THEN 'PASS'
            ELSE 'UNKNOWN' END AS verdict,
       CASE WHEN c.master_secret_arn IS NULL THEN 'The admin password is not managed in Secrets Manager.'
            WHEN k.key_manager = 'AWS' OR k.aliases LIKE '%"alias/aws/%'
              THEN 'The secret is under the AWS managed key ' || COALESCE(NULLIF(k.alias, ''), c.master_secret_kms_key_arn) || '.'
            WHEN k.key_manager = 'CUSTOMER' THEN 'The secret is under the customer managed key ' || c.master_secret_kms_key_arn || '.'
            WHEN c.master_secret_kms_key_arn IS NULL THEN 'AWS did not name the key of the secret.'
            ELSE 'Who manages ' || c.master_secret_kms_key_arn || ' could not be read' || COALESCE(' (' || k.access_error || ')', '') || '.' END AS reason,
       '[' || c.evidence || COALESCE(',' || k.evidence, '') || ']' AS evidence,
       CAST(NULL AS TIMESTAMP) AS since
FROM cluster_encryption_latest AS c
LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = c.master_secret_kms_key_arn
