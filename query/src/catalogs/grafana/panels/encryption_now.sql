-- title: Clusters and their keys
-- group: security
-- severity: info
-- question: Under which key is each cluster and namespace, and is TLS required?
-- column cluster_identifier name: cluster or namespace
-- column account_id name: account
-- column region name: region
-- column deployment name: provisioned or serverless
-- column encrypted name: yes or no
-- column encryption_type name: none, kms_aws_managed, kms_cmk, kms_aws_owned, hsm, or unknown
-- column kms_key_arn name: its KMS key
-- column tls_required name: yes, no, or what keeps it from being in force
-- column cluster_status name: status, as AWS says it
-- column observed_at time: when this state was last written down
-- do: `lookback timeline CLUSTER` tells the whole story of one of them, with who did what.
SELECT cluster_identifier,
       account_id,
       region,
       deployment,
       CASE WHEN encrypted THEN 'yes' WHEN NOT encrypted THEN 'no' ELSE '' END AS encrypted,
       encryption_type,
       kms_key_arn,
       CASE WHEN require_ssl AND COALESCE(ssl_parameter_status, 'in-sync') = 'in-sync' THEN 'yes'
            WHEN require_ssl THEN ssl_parameter_status
            WHEN NOT require_ssl THEN 'no'
            ELSE '' END AS tls_required,
       cluster_status,
       observed_at
FROM cluster_encryption_latest
ORDER BY encrypted, encryption_type, cluster_identifier
