-- asks: what is on the disks now? STV tables show a moment of a running cluster
-- from: what exporters of metrics ask
SELECT COUNT(1) FROM stv_blocklist WHERE tombstone <> 0;
-- refused: stv_blocklist
