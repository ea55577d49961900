-- title: Timeline of one query
-- group: queries
-- severity: info
-- question: What happened to a query from the moment it arrived, in which order, and what took the time?
-- param query int required: number of the query
-- param cluster text: only this cluster
-- column cluster_id name: cluster that ran it
-- column at time: when it began
-- column after_s seconds: since the query arrived
-- column took_s seconds: from its first to its last slice
-- column what name: wait, execution, kind of step, or alert
-- column seg count: segment; segments of a stream run at once
-- column step count: step in its segment
-- column slices count: slices that took part
-- column rows count: rows of all slices
-- column mb MB: bytes of all slices, where the step counts them
-- column detail text: queue, table, or what the alert says; (disk) if the step spilled
-- chart bars: x=what,seg,step y=took_s
-- do: Read it from the top: a long wait is a matter of queues. Then take the step with the largest took_s.
-- do: A scan with many rows wants a sort key, dist and bcast want another distribution key, (disk) wants more memory or fewer columns, nestloop wants a join condition.
WITH steps AS (
  SELECT cluster_id, starttime, endtime, 'scan' AS what, segment, step, slice, rows, bytes, NULLIF(perm_table_name, '') AS detail
  FROM stl_scan WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'hash', segment, step, slice, rows, bytes, CASE is_diskbased WHEN 't' THEN '(disk)' END
  FROM stl_hash WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'hashjoin', segment, step, slice, rows, CAST(NULL AS BIGINT), CAST(NULL AS VARCHAR)
  FROM stl_hashjoin WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'mergejoin', segment, step, slice, rows, CAST(NULL AS BIGINT), CAST(NULL AS VARCHAR)
  FROM stl_mergejoin WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'nestloop', segment, step, slice, rows, CAST(NULL AS BIGINT), CAST(NULL AS VARCHAR)
  FROM stl_nestloop WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'aggr', segment, step, slice, rows, bytes, CASE is_diskbased WHEN 't' THEN '(disk)' END
  FROM stl_aggr WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'sort', segment, step, slice, rows, bytes, CASE is_diskbased WHEN 't' THEN '(disk)' END
  FROM stl_sort WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'unique', segment, step, slice, rows, bytes, CASE is_diskbased WHEN 't' THEN '(disk)' END
  FROM stl_unique WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'window', segment, step, slice, rows, CAST(NULL AS BIGINT), CASE is_diskbased WHEN 't' THEN '(disk)' END
  FROM stl_window WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'dist', segment, step, slice, rows, bytes, CAST(NULL AS VARCHAR)
  FROM stl_dist WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'bcast', segment, step, slice, rows, bytes, CAST(NULL AS VARCHAR)
  FROM stl_bcast WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'save', segment, step, slice, rows, bytes, CASE is_diskbased WHEN 't' THEN '(disk)' END
  FROM stl_save WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'parse', segment, step, slice, rows, CAST(NULL AS BIGINT), CAST(NULL AS VARCHAR)
  FROM stl_parse WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'insert', segment, step, slice, rows, CAST(NULL AS BIGINT), CAST(NULL AS VARCHAR)
  FROM stl_insert WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'delete', segment, step, slice, rows, CAST(NULL AS BIGINT), CAST(NULL AS VARCHAR)
  FROM stl_delete WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'return', segment, step, slice, rows, bytes, CAST(NULL AS VARCHAR)
  FROM stl_return WHERE query = :query
),
events AS (
  SELECT cluster_id,
         MIN(starttime) AS began,
         MAX(endtime) AS ended,
         what,
         segment,
         step,
         COUNT(DISTINCT slice) AS slices,
         SUM(rows) AS rows,
         SUM(bytes) AS bytes,
         MAX(detail) AS detail
  FROM steps
  GROUP BY cluster_id, what, segment, step
  UNION ALL
  SELECT cluster_id, queue_start_time, queue_end_time, 'wait', NULL, NULL, NULL, NULL, NULL,
         'queue ' || CAST(service_class AS VARCHAR) || COALESCE(' ' || NULLIF(service_class_name, ''), '')
  FROM stl_wlm_query
  WHERE query = :query AND total_queue_time > 0
  UNION ALL
  SELECT cluster_id, exec_start_time, exec_end_time, 'execution', NULL, NULL, NULL, NULL, NULL,
         'queue ' || CAST(service_class AS VARCHAR) || COALESCE(', ' || NULLIF(final_state, ''), '')
  FROM stl_wlm_query
  WHERE query = :query
  UNION ALL
  SELECT cluster_id, starttime, endtime, 'query', NULL, NULL, NULL, NULL, NULL,
         CASE WHEN aborted <> 0 THEN 'aborted' ELSE 'done' END
  FROM stl_query
  WHERE query = :query
  UNION ALL
  SELECT cluster_id, MIN(event_time), MAX(event_time), 'alert', segment, step, COUNT(DISTINCT slice), NULL, NULL,
         BTRIM(SPLIT_PART(event, ':', 1))
  FROM stl_alert_event_log
  WHERE query = :query
  GROUP BY cluster_id, segment, step, BTRIM(SPLIT_PART(event, ':', 1))
)
SELECT cluster_id,
       DATE_TRUNC('second', began) AS at,
       ROUND(DATEDIFF(us, MIN(began) OVER (PARTITION BY cluster_id), began)::float8 / 1000000, 3) AS after_s,
       ROUND(DATEDIFF(us, began, ended)::float8 / 1000000, 3) AS took_s,
       what,
       segment AS seg,
       step,
       slices,
       rows,
       ROUND(bytes::float8 / 1048576, 1) AS mb,
       query_excerpt(detail, 16) AS detail
FROM events
WHERE :cluster IS NULL OR cluster_id = :cluster
ORDER BY cluster_id, after_s, took_s DESC, seg NULLS FIRST, step, what
