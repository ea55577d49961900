-- asks: which queries used much processor time?
-- from: what the Database Developer Guide's queries on STL_QUERY_METRICS need
Select cluster_id, query, cpu_time / 1000000 seconds From stl_query_metrics
Where segment = -1 And cpu_time > 1e8 Order By cpu_time;
-- = bi,2,300
