-- title: Clusters by encryption
-- group: security
-- severity: critical
-- question: How are the clusters and namespaces encrypted that exist now?
-- column encryption_type name: none, kms_aws_managed, kms_cmk, kms_aws_owned, hsm, or unknown
-- column clusters count: clusters and Serverless namespaces
-- chart bars: x=encryption_type y=clusters
-- do: A cluster under `none` can be encrypted in place; it is read-only while its data moves.
SELECT encryption_type, COUNT(*) AS clusters
FROM cluster_encryption_latest
GROUP BY encryption_type
ORDER BY clusters DESC, encryption_type
