-- asks: which DDL ran on a day?
-- from: what the Database Developer Guide's query on SVL_STATEMENTTEXT needs: LIKE on a time
SELECT cluster_id, starttime, BTRIM(text) FROM svl_statementtext WHERE type = 'DDL' AND starttime LIKE '2026-01-07%';
-- = etl,2026-01-07 09:10:00,create table sales(id int)
