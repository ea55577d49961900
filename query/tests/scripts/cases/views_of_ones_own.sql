-- asks: how long do queries of each user wait? Kept as a view, asked in the next statement
-- from: what AWS's views for administrators need: CREATE OR REPLACE VIEW in a schema, ORDER BY in a view
CREATE OR REPLACE VIEW admin.v_waits
AS
SELECT cluster_id, userid, SUM(total_queue_time) / 1000000 AS waited
FROM stl_wlm_query w
WHERE w.queue_start_time >= DATEADD (day,-7,CURRENT_DATE)
GROUP BY cluster_id, userid
ORDER BY waited DESC;
SELECT * FROM admin.v_waits WHERE waited > 0 ORDER BY waited DESC;
-- = etl,101,40
-- = bi,200,20
-- = etl,100,4
