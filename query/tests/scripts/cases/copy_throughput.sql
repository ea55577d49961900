-- asks: how fast was data read from S3?
-- from: what AWS's scripts on COPY need: DECODE against a division by zero, mixed case, a difference of counted microseconds
SELECT l.cluster_id, l.Query, SUBSTRING(q.QueryTxt, 1, 10) AS text, l.files, l.mb, l.secs,
       ROUND(l.mb::float / DECODE(l.secs, 0, 1, l.secs), 2) AS rate
FROM (SELECT cluster_id, query, COUNT(*) files, SUM(transfer_size / (1024 * 1024)) mb,
             (MAX(end_Time) - MIN(start_Time)) / 1000000 AS secs
      FROM stl_s3client WHERE http_method = 'GET' GROUP BY cluster_id, query) AS l
LEFT JOIN stl_query AS q USING (cluster_id, query)
ORDER BY l.secs DESC LIMIT 50;
-- = etl,3,copy sales,2,200,30,6.67
