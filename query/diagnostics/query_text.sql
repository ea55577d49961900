-- title: Full text of one query
-- group: queries
-- severity: info
-- question: What does a query say, from its first to its last character?
-- param query int required: number of the query
-- param cluster text: only this cluster
-- column cluster_id name: cluster that ran it
-- column query id: number of the query
-- column source name: stl_querytext; (gaps) if fragments are missing; stl_query, cut at 4,000 characters, if it has none
-- column line count: number of the line
-- column text text: the line
-- do: Lines end where the log has a line end, or the two characters that Redshift puts there instead.
-- do: To run the statement again, write it with --format csv and take the last column.
WITH fragments AS (
  SELECT cluster_id, query, sequence, MIN(text) AS text
  FROM stl_querytext
  WHERE query = :query
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query, sequence
),
joined AS (
  SELECT cluster_id,
         query,
         CASE WHEN MAX(sequence) + 1 = COUNT(*) THEN 'stl_querytext' ELSE 'stl_querytext (gaps)' END AS source,
         string_agg(text, '' ORDER BY sequence) AS text
  FROM fragments
  GROUP BY cluster_id, query
),
short AS (
  SELECT cluster_id, query, 'stl_query' AS source, MIN(querytxt) AS text
  FROM stl_query
  WHERE query = :query
    AND (:cluster IS NULL OR cluster_id = :cluster)
  GROUP BY cluster_id, query
),
texts AS (
  SELECT cluster_id, query, source, text FROM joined
  UNION ALL
  SELECT short.cluster_id, short.query, short.source, short.text
  FROM short
  LEFT JOIN joined ON joined.cluster_id = short.cluster_id AND joined.query = short.query
  WHERE joined.query IS NULL
),
split AS (
  SELECT cluster_id,
         query,
         source,
         string_to_array(
           REPLACE(REPLACE(RTRIM(text), CHR(92) || 'n', CHR(10)), CHR(92) || 'r', ''), CHR(10)
         ) AS lines
  FROM texts
),
numbered AS (
  SELECT cluster_id, query, source, lines, unnest(range(1, CAST(array_length(lines) AS BIGINT) + 1)) AS line
  FROM split
)
SELECT cluster_id, query, source, line, RTRIM(array_element(lines, line), CHR(13)) AS text
FROM numbered
ORDER BY cluster_id, query, line
