-- title: Nested loop joins
-- group: tables
-- severity: warning
-- question: Which queries join by nested loops, how many rows came out, and how long did it take?
-- param from timestamp: only join steps that ended at or after this time
-- param to timestamp: only join steps that ended before this time
-- param cluster text: only this cluster
-- param top int = 20: queries shown, most rows first
-- column cluster_id name: cluster
-- column query id: number of the query
-- column userid id: who ran it
-- column joins count: nested loops in the query
-- column step_rows count: rows that came out of them
-- column loop_s seconds: from the first slice's start to the last one's end
-- column text text: beginning of the statement
-- chart bars: x=cluster_id,query y=step_rows
-- do: A nested loop is nearly always a join without an equality: a forgotten condition, a join by OR, by LIKE, by a range, or by a function on both sides.
-- do: If a range is meant (dates against periods), join by a day or an hour that both sides have first, and compare the range then.
WITH loops AS (
  SELECT cluster_id,
         query,
         MIN(userid) AS userid,
         COUNT(DISTINCT segment * 10000 + step) AS joins,
         SUM(rows) AS step_rows,
         DATEDIFF(ms, MIN(starttime), MAX(endtime))::float8 / 1000 AS loop_s
  FROM stl_nestloop
  WHERE (:from IS NULL OR endtime >= :from)
    AND (:to IS NULL OR endtime < :to)
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query
  ORDER BY step_rows DESC NULLS LAST, cluster_id, query
  LIMIT :top
),
texts AS (
  SELECT cluster_id, query, MIN(LEFT(querytxt, 300)) AS querytxt
  FROM stl_query
  GROUP BY cluster_id, query
)
SELECT loops.cluster_id,
       loops.query,
       loops.userid,
       loops.joins,
       loops.step_rows,
       ROUND(loops.loop_s, 1) AS loop_s,
       query_excerpt(texts.querytxt, 40) AS text
FROM loops
LEFT JOIN texts ON texts.cluster_id = loops.cluster_id AND texts.query = loops.query
ORDER BY loops.step_rows DESC NULLS LAST, loops.cluster_id, loops.query
