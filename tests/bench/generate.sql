-- Three days of a warehouse's stl_query and stl_scan, up to midnight of the day `until`. The same variables give the same rows.
-- Variables of psql: queries, scans (how many rows), until (a timestamp, UTC).

SET max_parallel_workers_per_gather = 0;
SELECT setseed(0.42) \g /dev/null

-- The warehouse's tables. Few are large.
CREATE TEMP TABLE warehouse_table AS
SELECT n,
       100000 + n * 7 AS id,
       (ARRAY['orders', 'customers', 'sessions', 'page_views', 'payments', 'shipments', 'inventory', 'returns', 'campaigns',
              'prices', 'suppliers', 'subscriptions'])[1 + n % 12]
         || (ARRAY['', '_daily', '_staging', '_history', '_snapshot', '_agg', '_dim', '_fact', '_2024', '_v2'])[1 + n / 12] AS name,
       (exp(6 + 11 * power(random(), 2)))::bigint AS slice_rows,
       (12 + 180 * random())::bigint AS width
FROM generate_series(0, 119) n;
ALTER TABLE warehouse_table ADD PRIMARY KEY (n);

-- Statements are repeated with other literals: dashboards, loads, drivers. Shape 0 is the most frequent.
CREATE TEMP TABLE shape AS
WITH kind AS MATERIALIZED (
    SELECT n, random() AS k, random() AS size, (random() * 40)::int AS userid FROM generate_series(0, 399) n
), sized AS MATERIALIZED (
    SELECT n, k, 100 + userid AS userid,
           CASE WHEN k < 0.25 THEN 0 WHEN k < 0.75 THEN 6 + (size * 14)::int WHEN k < 0.95 THEN 24 + (size * 50)::int ELSE 90 END AS items,
           CASE WHEN k < 0.25 THEN 1 WHEN k < 0.75 THEN 1 + (size * 5)::int ELSE 4 + (size * 5)::int END AS scans,
           CASE WHEN k < 0.25 THEN 1.5 WHEN k < 0.75 THEN 6 + 2 * size ELSE 8 + 3 * size END AS log_ms,
           power(random(), 3) AS selectivity
    FROM kind
)
SELECT n, userid, scans, log_ms, selectivity, k > 0.75 AS is_load,
       CASE WHEN k < 0.1 THEN 'select 1'
            WHEN k < 0.25 THEN 'select oid, nspname, relname from pg_catalog.pg_class_info where reloid = {n} and relkind = ''r'''
            ELSE CASE WHEN k > 0.75 THEN 'insert into reporting.result_' || n || ' ' ELSE '' END
                 || 'select '
                 || (SELECT string_agg(
                        (ARRAY['sum(a.', 'a.', 'max(b.', 'coalesce(b.', 'count(distinct a.', 'date_trunc(''day'', a.'])[1 + (i * 5 + sized.n) % 6]
                        || (ARRAY['net_amount', 'customer_id', 'created_at', 'quantity', 'region_code', 'discount_percent',
                                  'currency', 'updated_at', 'session_id', 'channel'])[1 + (random() * 9)::int]
                        || CASE (i * 5 + sized.n) % 6 WHEN 1 THEN '' WHEN 3 THEN ', 0)' ELSE ')' END
                        || ' as c' || i, ', ')
                     FROM generate_series(1, items) i)
                 || ' from public.' || (SELECT name FROM warehouse_table t WHERE t.n = (sized.n * 7) % 120) || ' a'
                 || ' join public.' || (SELECT name FROM warehouse_table t WHERE t.n = (sized.n * 7 + 13) % 120) || ' b'
                 || ' on a.customer_id = b.customer_id where a.created_at >= ''{d}'' and b.region_code in (''eu'', ''us'')'
                 || ' and a.campaign_id = {n} group by ' || items || ' order by 1'
                 || CASE WHEN k < 0.4 THEN ' limit 1000 /* dashboard {n}, panel ' || n || ' */' ELSE '' END
       END AS template
FROM sized;
ALTER TABLE shape ADD PRIMARY KEY (n);

-- What ran: busier by day than by night; how long a query takes is lognormal.
CREATE TEMP TABLE run AS
WITH drawn AS MATERIALIZED (
    SELECT i,
           (400 * power(random(), 2.5))::int % 400 AS shape,
           (i - 0.5) / :queries::float8 AS u,
           sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) AS gauss,
           random() AS r1,
           random() AS r2
    FROM generate_series(1, :queries) i
), timed AS (
    SELECT drawn.*, s.userid, s.log_ms,
           timestamp :'until' - interval '3 days'
             + interval '1 microsecond' * floor(259150e6 * (u + 0.04 * sin(2 * pi() * 3 * u))) AS starttime
    FROM drawn JOIN shape s ON s.n = drawn.shape
)
SELECT 1000000 + i AS query,
       shape,
       userid,
       9000000 + i * 3 AS xid,
       1073742000 + (r1 * 600)::int AS pid,
       starttime,
       -- Nothing ends after `until`.
       least(starttime + interval '1 microsecond' * floor(1000 * exp(log_ms + 0.8 * gauss)),
             timestamp :'until' - interval '1 microsecond' * (1 + floor(r2 * 40e6))) AS endtime,
       r1,
       r2
FROM timed;
UPDATE run SET endtime = starttime WHERE endtime < starttime;
ALTER TABLE run ADD PRIMARY KEY (query);
ANALYZE run;

INSERT INTO public.stl_query
SELECT userid, query,
       CASE WHEN r2 < 0.8 THEN 'default' WHEN r2 < 0.9 THEN 'metrics' ELSE 'etl_' || shape END,
       xid, pid,
       CASE WHEN userid < 125 THEN 'analytics' ELSE 'dev' END,
       left((SELECT replace(replace(template, '{d}', to_char(r.starttime - interval '1 day', 'YYYY-MM-DD')), '{n}', (r.r1 * 100000)::int::text)
             FROM shape s WHERE s.n = r.shape), 4000),
       starttime, endtime,
       (r2 > 0.985)::int, 0,
       CASE WHEN r1 < 0.97 THEN 0 WHEN r1 < 0.99 THEN 1 ELSE 6 END
FROM run r
ORDER BY endtime, query;

-- Which of them scanned: a scan step runs on each of four slices. They make about 18 rows each; more of them are drawn
-- than needed, all over the three days, and the limit cuts the rest.
INSERT INTO public.stl_scan
SELECT userid, query, slice, segment, step, starttime, endtime, tasknum,
       rows, rows * width, 0,
       CASE WHEN internal THEN 19 ELSE 2 END,
       CASE WHEN internal THEN 0 ELSE tbl END,
       is_rrscan, 'f', rows_pre_filter, greatest(rows, rows_pre_filter - (rows_pre_filter * r * 0.01)::bigint),
       CASE WHEN internal THEN 'Internal Worktable' ELSE name END,
       'f', 0, 0, 0, 'f', 0, (is_rrscan = 't')::int, 0,
       rows_pre_filter / 1000000, CASE WHEN r < 0.95 THEN 0 ELSE 4 END,
       CASE WHEN internal THEN 'f' ELSE 't' END, CASE WHEN internal THEN 2 ELSE 0 END,
       0, 7203685477580, 'f', 'f', 'f'
FROM (
    SELECT drawn.*,
           CASE WHEN internal THEN (slice_rows * selectivity * 0.2)::bigint
                WHEN is_rrscan = 't' THEN (slice_rows * (0.05 + 0.2 * r))::bigint
                ELSE slice_rows + (slice_rows * 0.002 * r)::bigint END AS rows_pre_filter,
           CASE WHEN internal THEN (slice_rows * selectivity * 0.2)::bigint
                WHEN is_rrscan = 't' THEN (slice_rows * (0.05 + 0.2 * r) * selectivity)::bigint
                WHEN full_rows THEN slice_rows + (slice_rows * 0.002 * r)::bigint
                ELSE (slice_rows * selectivity * (0.9 + 0.1 * r))::bigint END AS rows
    FROM (
        SELECT q.userid, q.query, slice, scan AS segment, CASE WHEN scan % 3 = 2 THEN 1 ELSE 0 END AS step,
               q.starttime + (q.endtime - q.starttime) * (scan / (q.scans + 1.0)) AS starttime,
               q.starttime + (q.endtime - q.starttime) * ((scan + 0.3 + 0.7 * random()) / (q.scans + 1.0)) AS endtime,
               8 + scan * 4 + slice AS tasknum,
               scan % 4 = 3 AS internal,
               CASE WHEN scan % 4 <> 3 AND (q.shape + scan) % 3 = 0 THEN 't' ELSE 'f' END AS is_rrscan,
               (q.shape + scan) % 2 = 0 AS full_rows,
               t.id AS tbl, t.name, t.slice_rows, t.width, q.selectivity, random() AS r
        FROM (
            SELECT run.*, s.scans, s.selectivity
            FROM run JOIN shape s ON s.n = run.shape
            WHERE s.log_ms > 2
            ORDER BY hashint8extended(query, 42)
            LIMIT :scans / 10 + 100
        ) q
        CROSS JOIN LATERAL generate_series(0, q.scans - 1) scan
        CROSS JOIN generate_series(0, 3) slice
        JOIN warehouse_table t ON t.n = (q.shape * 7 + scan * 13) % 120
        LIMIT :scans
    ) drawn
) measured
ORDER BY endtime, query, segment, slice;
