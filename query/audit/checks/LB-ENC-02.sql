-- id: LB-ENC-02
-- version: 1
-- title: Customer managed key
-- severity: high
-- question: Is every cluster under a KMS key that its owner manages, and not under one that AWS manages or owns?
-- needs: cluster_encryption_state/clusters for cluster, cluster_encryption_state/serverless for namespace, kms_key_state/keys
-- window: now
-- do: Create a customer managed key, and change the cluster to it with ModifyCluster KmsKeyId (UpdateNamespace for Serverless).
-- do: If the key belongs to another account, let the collector's role call kms:DescribeKey on it, in the key's policy and in its own.
SELECT c.account_id, c.region, c.entity_type, c.cluster_namespace_arn AS entity, c.cluster_identifier AS entity_name,
       CASE WHEN c.encryption_type = 'hsm' THEN 'NOT_APPLICABLE'
            WHEN NOT c.encrypted THEN 'FAIL'
            WHEN c.encrypted IS NULL THEN 'UNKNOWN'
            WHEN c.encryption_type IN ('kms_aws_managed', 'kms_aws_owned') THEN 'FAIL'
            WHEN k.key_manager = 'AWS' OR k.aliases LIKE '%"alias/aws/%' THEN 'FAIL'
            WHEN k.key_manager = 'CUSTOMER' THEN 'PASS'
            ELSE 'UNKNOWN' END AS verdict,
       CASE WHEN c.encryption_type = 'hsm' THEN 'The key is in a hardware security module, not in KMS.'
            WHEN NOT c.encrypted THEN 'Not encrypted at all, so under no customer managed key.'
            WHEN c.encrypted IS NULL THEN 'The answer of AWS did not say whether it is encrypted.'
            WHEN c.encryption_type = 'kms_aws_owned' THEN 'Under a key that AWS owns: nobody here can see, restrict or disable it.'
            WHEN c.encryption_type = 'kms_aws_managed' OR k.key_manager = 'AWS' OR k.aliases LIKE '%"alias/aws/%'
              THEN 'Under the AWS managed key ' || COALESCE(NULLIF(k.alias, ''), c.kms_key_arn, 'of the service') || ', whose policy nobody here can change.'
            WHEN k.key_manager = 'CUSTOMER' THEN 'Under the customer managed key ' || c.kms_key_arn || '.'
            WHEN c.kms_key_arn IS NULL THEN 'Encrypted, but with a key that AWS did not name.'
            WHEN k.access_error IS NOT NULL THEN 'Who manages ' || c.kms_key_arn || ' could not be read (' || k.access_error || ').'
            ELSE c.kms_key_arn || ' was never described; that there is a key says nothing about who manages it.' END AS reason,
       '[' || c.evidence || COALESCE(',' || k.evidence, '') || ']' AS evidence,
       CAST(NULL AS TIMESTAMP) AS since
FROM cluster_encryption_latest AS c
LEFT JOIN kms_key_latest AS k ON k.kms_key_arn = c.kms_key_arn
