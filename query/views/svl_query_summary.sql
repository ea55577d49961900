-- shows: steps of queries, over all slices
-- source: SVL_QUERY_SUMMARY in the Database Developer Guide: SVL_QUERY_REPORT over all slices, with the stream of each segment
-- differs: rate_row and rate_byte are NULL, because their unit is not documented; stm is NULL where STL_STREAM_SEGS has no row;
-- differs: workmem is the sum over slices; log_date is the day of the query in STL_QUERY, and NULL without one
SELECT s.userid, s.query, g.stream AS stm, s.segment AS seg, s.step, s.maxtime, s.avgtime, s."rows", s.bytes,
       CAST(NULL AS DOUBLE) AS rate_row, CAST(NULL AS DOUBLE) AS rate_byte, s.label, s.is_diskbased, s.workmem,
       s.is_rrscan, s.is_delayed_scan, s.rows_pre_filter, s.cluster_id, q.log_date
FROM (SELECT DISTINCT cluster_id, query, log_date FROM stl_query) q
RIGHT JOIN (
    SELECT cluster_id, userid, query, segment, step, label,
           MAX(elapsed_time) AS maxtime, CAST(SUM(elapsed_time) AS BIGINT) / COUNT(elapsed_time) AS avgtime,
           CAST(SUM("rows") AS BIGINT) AS "rows", CAST(SUM(bytes) AS BIGINT) AS bytes, MAX(is_diskbased) AS is_diskbased,
           CAST(SUM(workmem) AS BIGINT) AS workmem, MAX(is_rrscan) AS is_rrscan, MAX(is_delayed_scan) AS is_delayed_scan,
           CAST(SUM(rows_pre_filter) AS BIGINT) AS rows_pre_filter
    FROM svl_query_report
    GROUP BY cluster_id, userid, query, segment, step, label
) s ON q.cluster_id = s.cluster_id AND q.query = s.query
LEFT JOIN stl_stream_segs g ON g.cluster_id = s.cluster_id AND g.query = s.query AND g.segment = s.segment
