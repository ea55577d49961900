-- asks: what went wrong in my last COPY? A lake has no session that could have made one
-- from: what AWS's view of COPY errors needs
SELECT le.filename, le.colname, le.type column_type FROM stl_load_errors le WHERE le.query = pg_last_copy_id();
