-- title: Errors of COPY
-- group: loading
-- severity: warning
-- question: Which columns of which tables do loads stumble over, and in which file last?
-- param from timestamp: only errors at or after this time
-- param to timestamp: only errors before this time
-- param cluster text: only this cluster
-- param top int = 20: lines shown, most errors first
-- column cluster_id name: cluster
-- column table_id id: number of the table
-- column column_name name: column
-- column reason text: what was wrong
-- column errors count: lines
-- column loads count: different COPY statements
-- column last_at time: start of the last load that met it
-- column last_file text: end of the name of the last file
-- chart bars: x=cluster_id,column_name,reason y=errors
-- do: stl_loaderror_detail in the lake has the value of every field of the line: join it by cluster_id, query, filename and line_number.
-- do: Mend the file's producer first; MAXERROR, TRUNCATECOLUMNS, ACCEPTINVCHARS and BLANKSASNULL hide the rest, and lines that are left out are lost.
WITH ranked AS (
  SELECT cluster_id,
         tbl,
         BTRIM(colname) AS column_name,
         BTRIM(err_reason) AS reason,
         query,
         starttime,
         BTRIM(filename) AS filename,
         ROW_NUMBER() OVER (PARTITION BY cluster_id, tbl, BTRIM(colname), BTRIM(err_reason)
                            ORDER BY starttime DESC, filename DESC, line_number DESC) AS from_last
  FROM stl_load_errors
  WHERE (:from IS NULL OR starttime >= :from)
    AND (:to IS NULL OR starttime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
)
SELECT cluster_id,
       tbl AS table_id,
       query_excerpt(column_name, 18) AS column_name,
       query_excerpt(reason, 28) AS reason,
       COUNT(*) AS errors,
       COUNT(DISTINCT query) AS loads,
       DATE_TRUNC('second', MAX(starttime)) AS last_at,
       RIGHT(MAX(CASE WHEN from_last = 1 THEN filename END), 20) AS last_file
FROM ranked
GROUP BY cluster_id, tbl, column_name, reason
ORDER BY errors DESC, cluster_id, table_id, column_name, reason
LIMIT :top
