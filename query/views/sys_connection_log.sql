-- shows: connection attempts, connections and disconnections
-- source: SYS_CONNECTION_LOG and STL_CONNECTION_LOG in the Database Developer Guide
SELECT event, recordtime AS record_time, remotehost AS remote_host, remoteport AS remote_port, pid AS session_id,
       dbname AS database_name, username AS user_name, authmethod AS auth_method, duration, sslversion AS ssl_version,
       sslcipher AS ssl_cipher, mtu, sslcompression AS ssl_compression, sslexpansion AS ssl_expansion,
       iamauthguid AS iam_auth_guid, application_name, driver_version, os_version, plugin_name, protocol_version,
       sessionid AS global_session_id, cluster_id, log_date
FROM stl_connection_log
