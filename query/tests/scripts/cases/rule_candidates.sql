-- asks: which threshold would a monitoring rule need?
-- from: what AWS's scripts on monitoring rules need: MEDIAN, PERCENTILE_CONT, LEFT of a number, LENGTH of a number, POWER
WITH m AS (
    SELECT service_class, 'cpu'::VARCHAR(30) metric, MEDIAN(query_cpu_time) p50,
           PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY query_cpu_time) p99, MAX(query_cpu_time) most
    FROM svl_query_metrics_summary GROUP BY 1
    UNION ALL
    SELECT service_class, 'scan'::VARCHAR(30), MEDIAN(scan_row_count),
           PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY scan_row_count), MAX(scan_row_count)
    FROM svl_query_metrics_summary GROUP BY 1)
SELECT metric, p50::int, (p99 * 10)::int tenths, most,
       ((LEFT(p99, 1)::INT + 1) * POWER(10, LENGTH((p99 / 10)::BIGINT)))::int candidate,
       ROW_NUMBER() OVER (PARTITION BY service_class ORDER BY NVL(most, 1) DESC) place
FROM m WHERE NVL(p99, 0) >= 10 ORDER BY service_class, place;
-- = scan,4000,49800,5000,5000,1
-- = cpu,20,2944,300,300,2
