-- asks: when was a disk full?
-- from: STL_DISK_FULL_DIAG in the Database Developer Guide, which multiplies an interval by a quotient
SELECT '2000-01-01'::timestamp + (currenttime / 1000000.0) * interval '1 second' AS moment, node_num, query_id
FROM pg_catalog.stl_disk_full_diag;
-- = 2026-01-07 10:05:20,0,2
