//! The same exporter over a real PostgreSQL server that holds STL tables.
