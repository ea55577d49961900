-- title: Traffic with S3
-- group: loading
-- severity: info
-- question: How much do the clusters read from and write to each bucket, how fast, and with how many retries and errors?
-- param from timestamp: only requests at or after this time
-- param to timestamp: only requests before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most data first
-- column cluster_id name: cluster
-- column bucket name: bucket
-- column method name: kind of request: GET, PUT, LIST, HEAD
-- column requests count: requests
-- column mb MB: bytes transferred
-- column mb_per_s MB/s: mb divided by the time of all requests; one request's speed, not the cluster's
-- column retries count: repeated requests
-- column errors count: requests in stl_s3client_error
-- column last_at time: the last request
-- chart bars: x=cluster_id,bucket,method y=mb
-- do: Retries and errors in one bucket mean throttling (spread the keys over more prefixes) or missing permission: the table stl_s3client_error has the messages.
-- do: Low mb_per_s for GET: the bucket is in another region, or the files are tiny.
WITH requests AS (
  SELECT cluster_id,
         BTRIM(bucket) AS bucket,
         BTRIM(http_method) AS method,
         COUNT(*) AS requests,
         SUM(transfer_size) AS bytes,
         SUM(transfer_time) AS micros,
         SUM(retries) AS retries,
         MAX(recordtime) AS last_at
  FROM stl_s3client
  WHERE (:from IS NULL OR recordtime >= :from)
    AND (:to IS NULL OR recordtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, BTRIM(bucket), BTRIM(http_method)
),
failures AS (
  SELECT cluster_id,
         BTRIM(bucket) AS bucket,
         BTRIM(http_method) AS method,
         COUNT(*) AS errors,
         MAX(recordtime) AS last_at
  FROM stl_s3client_error
  WHERE (:from IS NULL OR recordtime >= :from)
    AND (:to IS NULL OR recordtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, BTRIM(bucket), BTRIM(http_method)
)
SELECT COALESCE(requests.cluster_id, failures.cluster_id) AS cluster_id,
       query_excerpt(COALESCE(requests.bucket, failures.bucket), 30) AS bucket,
       query_excerpt(COALESCE(requests.method, failures.method), 8) AS method,
       COALESCE(requests.requests, 0) AS requests,
       ROUND(requests.bytes::float8 / 1048576, 1) AS mb,
       ROUND(requests.bytes::float8 / 1048576 / NULLIF(requests.micros::float8 / 1000000, 0), 1) AS mb_per_s,
       COALESCE(requests.retries, 0) AS retries,
       COALESCE(failures.errors, 0) AS errors,
       DATE_TRUNC('second', GREATEST(COALESCE(requests.last_at, failures.last_at), COALESCE(failures.last_at, requests.last_at))) AS last_at
FROM requests
FULL JOIN failures ON failures.cluster_id = requests.cluster_id
                  AND failures.bucket = requests.bucket
                  AND failures.method = requests.method
ORDER BY mb DESC NULLS LAST, errors DESC, cluster_id, bucket, method
LIMIT :top
