-- shows: streams and segments of queries
-- source: SVCS_STREAM_SEGS and STL_STREAM_SEGS in the Database Developer Guide
-- lacks: what ran on concurrency scaling clusters
SELECT userid, query, stream, segment, cluster_id, log_date
FROM stl_stream_segs
