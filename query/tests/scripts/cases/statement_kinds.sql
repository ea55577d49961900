-- asks: how many statements of each kind run?
-- from: what AWS's view of statement kinds needs: a position as a condition
SELECT kind, COUNT(*) AS statements, MAX(ms) AS longest
FROM (SELECT DATEDIFF(milliseconds , starttime , endtime) ms,
             CASE WHEN userid = 1 THEN 'SYSTEM'
                  WHEN REGEXP_INSTR(querytxt, '[cC][oO][pP][yY] ') THEN 'COPY'
                  WHEN REGEXP_INSTR("querytxt", '[iI]nsert ') THEN 'INSERT'
                  WHEN REGEXP_INSTR(querytxt, '(select|with) ') THEN 'SELECT'
                  ELSE 'OTHER' END kind
      FROM stl_query) a
GROUP BY 1 ORDER BY 1;
-- = COPY,1,100000
-- = INSERT,1,30000
-- = SELECT,4,120000
-- = SYSTEM,1,1000
