-- asks: how long did queries take, in words?
-- from: what scripts of administrators need: numbers joined with text
SELECT query, DATEDIFF(s,starttime,endtime)/60||' min '||DATEDIFF(s,starttime,endtime)%60||' s' AS took
FROM stl_query WHERE aborted = 1;
-- = 3,1 min 40 s
