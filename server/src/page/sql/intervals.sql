-- How each cluster was encrypted, and when.
SELECT cluster_identifier, cluster_namespace_arn, account_id, region, encrypted, encryption_type, kms_key_arn,
       start_lo, start_hi, end_lo, end_hi
FROM cluster_encryption_intervals
ORDER BY cluster_identifier, cluster_namespace_arn, start_hi
