-- title: KMS keys
-- group: security
-- severity: info
-- question: Which KMS keys does the fleet depend on, and do they rotate?
-- column alias name: its first alias
-- column kms_key_arn name: the key
-- column key_manager name: CUSTOMER or AWS
-- column key_state name: Enabled, Disabled, PendingDeletion and so on
-- column rotates name: yes or no; empty if the kind of key has no automatic rotation, or nobody may know
-- column last_rotation_at time: the last rotation
-- column next_rotation_date time: the next one
-- column deletion_date time: when it will be deleted, if it will
-- column account_id name: account that described it
-- column region name: region
-- do: A key that is disabled or waits for its deletion takes every cluster, snapshot and secret under it along.
SELECT alias,
       kms_key_arn,
       key_manager,
       key_state,
       CASE WHEN rotation_enabled THEN 'yes' WHEN NOT rotation_enabled THEN 'no' ELSE '' END AS rotates,
       last_rotation_at,
       next_rotation_date,
       deletion_date,
       account_id,
       region
FROM kms_key_latest
ORDER BY key_manager DESC, alias, kms_key_arn
LIMIT 500
