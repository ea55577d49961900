-- shows: schemas that went over their quota
-- source: SYS_SCHEMA_QUOTA_VIOLATIONS and STL_SCHEMA_QUOTA_VIOLATIONS in the Database Developer Guide
SELECT ownerid AS owner_id, userid AS user_id, xid AS transaction_id, pid AS session_id, schema_id, schema_name, quota,
       disk_usage, "timestamp" AS record_time, cluster_id, log_date
FROM stl_schema_quota_violations
