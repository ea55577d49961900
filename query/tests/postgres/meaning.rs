//! Numbers, casts, times, blanks, window functions and percentiles.

use arrow::util::display::{ArrayFormatter, FormatOptions};
use lookback_query::{Limits, Session};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::server::{Postgres, ask};

type Rows = Vec<Vec<Option<String>>>;

/// A session over a lake without tables.
async fn session(folder: &std::path::Path) -> Session {
    std::fs::write(folder.join("lookback.json"), r#"{"format": "lookback-lake", "version": 1}"#).unwrap();
    Session::open(folder.to_str().unwrap(), Limits::default()).await.unwrap()
}

async fn ours(session: &Session, sql: &str) -> Rows {
    let answer = session.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    let batches = answer.collect().await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    let options = FormatOptions::new().with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cell =
                |column: usize| (!batch.column(column).is_null(row)).then(|| columns[column].value(row).to_string());
            rows.push((0..columns.len()).map(cell).collect());
        }
    }
    rows
}

/// Rows of a VALUES list, numbered, with the numbers as first column.
fn values(rows: &[String]) -> String {
    let rows: Vec<String> = rows.iter().enumerate().map(|(n, row)| format!("({n}, {row})")).collect();
    format!("(VALUES {})", rows.join(", "))
}

/// The same random rows at every run.
fn random<S: Strategy<Value = String>>(count: usize, row: S) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| row.new_tree(&mut runner).unwrap().current()).collect()
}

/// Both answer the same to a query with `{}` for the rows.
async fn agree(server: &Postgres, session: &Session, query: &str, rows: &[String]) {
    let sql = query.replace("{}", &values(rows));
    let (theirs, ours) = (ask(server, &sql).await, ours(session, &sql).await);
    assert_eq!(theirs.len(), ours.len(), "{query}");
    for (n, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
        let row = theirs[0].as_deref().and_then(|id| id.parse::<usize>().ok()).and_then(|id| rows.get(id));
        assert_eq!(theirs, ours, "{query}\nrow {n}: {row:?} (PostgreSQL, lookback)");
    }
}

#[tokio::test]
async fn numbers_are_divided_and_rounded_as_by_postgresql() {
    let server = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let pairs = (-1_000_000_i64..1_000_000, 1_i64..5_000, proptest::bool::ANY)
        .prop_map(|(a, b, negative)| format!("{a}, {}", if negative { -b } else { b }));
    let sql = "SELECT id, (a / b)::bigint, (a % b)::bigint, mod(a, b)::bigint, a::bigint * b + a - b FROM {} t(id, a, b) ORDER BY 1";
    agree(&server, &session, sql, &random(400, pairs)).await;

    let decimals = (-99_999_999_i64..99_999_999, -9_999_i64..9_999)
        .prop_map(|(a, b)| format!("{}.{:03}, {}.{:02}", a / 1000, (a % 1000).abs(), b / 100, (b % 100).abs()));
    let sql = "SELECT id, a::numeric(12,3)::int, a::numeric(12,3)::numeric(12,1), (a::numeric(12,3) + b::numeric(6,2)), \
               (a::numeric(12,3) * b::numeric(6,2)), (a::numeric(12,3) - b::numeric(6,2)), a::numeric(12,3)::bigint, \
               (a::numeric(12,3) < b::numeric(6,2))::int FROM {} t(id, a, b) ORDER BY 1";
    agree(&server, &session, sql, &random(400, decimals)).await;

    let halves = (-4_000_i32..4_000).prop_map(|a| format!("{:.3}", f64::from(a) / 8.0));
    let sql = "SELECT id, a::float8::int, a::float8::bigint, a::float8::numeric(10,2) FROM {} t(id, a) ORDER BY 1";
    agree(&server, &session, sql, &random(400, halves)).await;
}

#[tokio::test]
async fn texts_are_cast_and_compared_as_by_postgresql() {
    let server = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let numbers = (" {0,2}", -100_000_i64..100_000, 0_i64..100, " {0,2}").prop_map(|(before, whole, cents, after)| {
        format!("'{before}{whole}{after}', '{before}{whole}.{cents:02}{after}'")
    });
    let sql = "SELECT id, a::int, a::bigint, b::numeric(10,1), a::int::varchar, b::numeric(12,2)::text, a::int || 'x' \
               FROM {} t(id, a, b) ORDER BY 1";
    agree(&server, &session, sql, &random(300, numbers)).await;

    let texts = ("[abAB ]{0,4}", "[abAB ]{0,4}").prop_map(|(a, b)| format!("'{a}', '{b}'"));
    let theirs = "SELECT id, (a = b)::int, (a < b COLLATE \"C\")::int, (a >= b COLLATE \"C\")::int FROM \
                  (SELECT id, a::char(4) AS a, b::char(4) AS b FROM {} v(id, a, b)) t ORDER BY 1";
    let rows = random(400, texts);
    let theirs = ask(&server, &theirs.replace("{}", &values(&rows))).await;
    let sql = "SELECT id, (a = b)::int, (a < b)::int, (a >= b)::int FROM {} t(id, a, b) ORDER BY 1";
    assert_eq!(theirs, ours(&session, &sql.replace("{}", &values(&rows))).await);

    let floats = (-1_000_000_000_i64..1_000_000_000, -20_i32..20).prop_map(|(a, e)| format!("'{a}e{e}'"));
    let rows = random(400, floats);
    let sql = "SELECT id, a::float8::text FROM {} t(id, a) ORDER BY 1".replace("{}", &values(&rows));
    let theirs = ask(&server, &format!("SET extra_float_digits = 0; {sql}")).await;
    assert_eq!(theirs, ours(&session, &sql).await);

    let likes =
        ("[ab_% ]{0,4}", "[ab_%\\\\]{0,3}[ab_%]").prop_map(|(a, b)| format!("'{a}', '{}'", b.replace('\\', r"\\")));
    let sql = "SELECT id, (a LIKE b)::int FROM {} t(id, a, b) ORDER BY 1";
    agree(&server, &session, sql, &random(300, likes)).await;
}

#[tokio::test]
async fn times_are_read_and_moved_as_by_postgresql() {
    let server = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let time = || (1971_i32..2070, 1_u32..13, 1_u32..29, 0_u32..24, 0_u32..60, 0_u32..60, 0_u32..1_000_000);
    let iso = time().prop_map(|(y, mo, d, h, mi, s, us)| format!("{y}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}.{us:06}"));
    let pairs = (iso.clone(), iso, -4_000_i32..4_000).prop_map(|(a, b, n)| format!("'{a}', '{b}', {n}"));
    let sql = "SELECT id, a::timestamp::text, a::date::text, (a::date + n)::text, (a::date - n)::text, \
               (a::date - b::date)::bigint, (a::timestamp < b::timestamp)::int, (a::timestamp > b::date)::int, \
               date_trunc('week', a::timestamp)::text, date_trunc('quarter', a::timestamp)::text, \
               extract(dow FROM a::timestamp)::int, extract(week FROM a::timestamp)::int, \
               extract(doy FROM a::timestamp)::int, extract(year FROM a::timestamp)::int \
               FROM {} t(id, a, b, n) ORDER BY 1";
    agree(&server, &session, sql, &random(300, pairs)).await;

    let forms = (time(), 0_usize..7).prop_map(|((y, mo, d, h, mi, _, _), form)| {
        let name = ["jan", "Feb", "March", "apr", "May", "June", "jul", "August", "sep", "Oct", "nov", "December"];
        let name = name[mo as usize - 1];
        match form {
            0 => format!("'{y}{mo:02}{d:02}'"),
            1 => format!("'{name} {d}, {y}'"),
            2 => format!("'{mo}/{d}/{y} {h:02}:{mi:02}'"),
            3 => format!("'{y}-{mo:02}-{d:02}T{h:02}:{mi:02}'"),
            4 => format!("'{d}-{}-{y}'", &name[..3]),
            5 => format!("'{mo:02}/{d:02}/{:02} {}:{mi:02} pm'", y % 100, h % 12 + 1),
            _ => format!("'{d} {name} {y} {h}:{mi:02}'"),
        }
    });
    agree(&server, &session, "SELECT id, a::timestamp::text FROM {} t(id, a) ORDER BY 1", &random(400, forms)).await;

    // An interval must be a literal here, so there is one statement for all of them.
    let units = ["s", "second", "mins", "minutes", "h", "hours", "d", "day", "weeks", "mons", "months", "years"];
    let intervals = (-40_i32..40, 0_usize..units.len(), 0_i32..20, 0_usize..units.len(), 0_u32..30, 0_u32..60)
        .prop_map(|(a, i, b, j, h, m)| {
            // The server reads every unit once only.
            let unit = |name: &str| name.chars().take(if name.starts_with("mon") { 2 } else { 1 }).collect::<String>();
            let clock = if i.min(j) < 6 { String::new() } else { format!(" {h}:{m:02}") };
            let second = if unit(units[i]) == unit(units[j]) { String::new() } else { format!(" {b} {}", units[j]) };
            format!("{a} {}{second}{clock}", units[i])
        });
    let intervals = random(100, intervals);
    let moved: Vec<String> = intervals
        .iter()
        .map(|interval| format!("SELECT (TIMESTAMP '2026-03-31 12:00:00' + INTERVAL '{interval}')::text"))
        .collect();
    for (interval, sql) in intervals.iter().zip(&moved) {
        assert_eq!(ask(&server, sql).await, ours(&session, sql).await, "{interval}");
    }
}

#[tokio::test]
async fn windows_and_percentiles_answer_as_by_postgresql() {
    let server = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let rows = (0_u32..5, proptest::option::weighted(0.8, -50_i64..50))
        .prop_map(|(g, x)| format!("{g}, {}", x.map_or("NULL::bigint".to_owned(), |x| x.to_string())));
    let rows = random(300, rows);
    let sql = "SELECT id, lag(x) OVER w, lead(x, 2, 0::bigint) OVER w, first_value(x) OVER w, last_value(x) OVER w, \
               ntile(3) OVER w, row_number() OVER w, rank() OVER v, dense_rank() OVER v, \
               (cume_dist() OVER v * 1000)::numeric(10,1), (percent_rank() OVER v * 1000)::numeric(10,1), \
               (sum(x) OVER w)::bigint, count(x) OVER w, \
               (sum(x) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING))::bigint, \
               nth_value(x, 2) OVER w, max(x) OVER v \
               FROM {} t(id, g, x) WINDOW w AS (PARTITION BY g ORDER BY id), v AS (PARTITION BY g ORDER BY x DESC) ORDER BY 1";
    agree(&server, &session, sql, &rows).await;

    let sql = "SELECT g, percentile_disc(0.3) WITHIN GROUP (ORDER BY x), percentile_disc(0.3) WITHIN GROUP (ORDER BY x DESC), \
               percentile_disc(1) WITHIN GROUP (ORDER BY x), \
               (percentile_cont(0.25) WITHIN GROUP (ORDER BY x))::numeric(20,2), \
               (percentile_cont(0.9) WITHIN GROUP (ORDER BY x DESC))::numeric(20,1), \
               (percentile_cont(0.5) WITHIN GROUP (ORDER BY x::float8))::numeric(20,1), \
               trunc(avg(x))::bigint, sum(x)::bigint, count(DISTINCT x), min(x), max(x), bool_and(x > -50)::int, \
               stddev_samp(x)::numeric(20,6), var_pop(x)::numeric(20,6), \
               string_agg(DISTINCT x::text, ',' ORDER BY x::text) \
               FROM {} t(id, g, x) GROUP BY g ORDER BY 1";
    let sql = sql.replace("{}", &values(&rows));
    // A locale of the server would order texts in another way than by their bytes.
    let theirs = sql
        .replace("ORDER BY x::text)", "ORDER BY x::text COLLATE \"C\")")
        .replace("DISTINCT x::text,", "DISTINCT x::text COLLATE \"C\",");
    assert_eq!(ask(&server, &theirs).await, ours(&session, &sql).await);
}
