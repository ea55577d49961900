-- asks: which kinds of queries run? Its numbers of queries are others than those of STL tables
-- from: what the Database Developer Guide's queries on SYS_QUERY_HISTORY ask
SELECT query_type, COUNT(*) FROM sys_query_history GROUP BY query_type;
-- refused: sys_query_history
