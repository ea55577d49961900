-- shows: events that changed the state of materialized views
-- source: SYS_MV_STATE and STL_MV_STATE in the Database Developer Guide
-- differs: base_table_database_name is NULL, because STL_MV_STATE does not have it
SELECT userid AS user_id, xid AS transaction_id, db_name AS database_name, event_desc, starttime AS start_time,
       CAST(NULL AS VARCHAR) AS base_table_database_name, base_table_schema, base_table_name, mv_schema, mv_name, state,
       cluster_id, log_date
FROM stl_mv_state
