//! The statements of a cluster: shapes that are run again and again with other literals.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use lookback_schemas::time::{DAY, day_name, day_of};

use super::Kind;
use super::warehouse::{
    CUSTOMERS, DATES, EVENTS, INVENTORY, PRODUCTS, PROMOTIONS, RETURNS, SALES, STAGE_EVENTS, STAGE_SALES, STORES,
};

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Select,
    /// INSERT … SELECT or CREATE TABLE AS.
    Insert,
    Delete,
    Copy,
    Unload,
    Vacuum,
    Analyze,
    Ddl,
}

/// How a plan goes on after its scans and joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Aggregate,
    Sort,
    Window,
    Unique,
    Limit,
}

/// A statement with gaps for literals.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) work: Work,
    pub(super) sql: &'static str,
    /// Positions in `RELATIONS`; the first is the one that is scanned most, or written.
    pub(super) tables: &'static [usize],
    pub(super) then: &'static [Then],
    /// Joined without a condition that a hash could use.
    pub(super) nested: bool,
    /// Seconds that it runs, typically.
    pub(super) seconds: f64,
    /// How often it is chosen among the others of its kind.
    pub(super) weight: u32,
}

const fn shape(
    weight: u32,
    seconds: f64,
    work: Work,
    tables: &'static [usize],
    then: &'static [Then],
    sql: &'static str,
) -> Shape {
    Shape { work, sql, tables, then, nested: false, seconds, weight }
}

const fn nested(shape: Shape) -> Shape {
    Shape { nested: true, ..shape }
}

use Then::{Aggregate, Limit, Sort, Unique, Window};

const ETL: [Shape; 12] = [
    shape(
        16,
        12.0,
        Work::Copy,
        &[STAGE_SALES],
        &[],
        "COPY stage_sales FROM 's3://retail-landing/sales/{path}/' IAM_ROLE '' FORMAT AS CSV GZIP TIMEFORMAT 'auto' MAXERROR {n}",
    ),
    shape(
        10,
        25.0,
        Work::Copy,
        &[STAGE_EVENTS],
        &[],
        "COPY stage_web_events FROM 's3://retail-landing/events/{path}/' IAM_ROLE '' FORMAT AS JSON 's3://retail-landing/paths/events.json'",
    ),
    shape(
        16,
        20.0,
        Work::Insert,
        &[SALES, STAGE_SALES],
        &[],
        "INSERT INTO sales\nSELECT s.*\nFROM stage_sales s\nLEFT JOIN sales t ON t.sale_id = s.sale_id\nWHERE t.sale_id IS NULL\n  AND s.sold_at >= '{date}'",
    ),
    shape(
        8,
        9.0,
        Work::Delete,
        &[SALES, STAGE_SALES],
        &[],
        "DELETE FROM sales USING stage_sales WHERE sales.sale_id = stage_sales.sale_id AND stage_sales.sold_at >= '{date}'",
    ),
    shape(
        10,
        60.0,
        Work::Insert,
        &[EVENTS, STAGE_EVENTS, CUSTOMERS],
        &[Window],
        "INSERT INTO web_events\nSELECT e.*, row_number() OVER (PARTITION BY e.session_id ORDER BY e.event_time) AS step\nFROM stage_web_events e\nJOIN customers c ON c.customer_id = e.customer_id\nWHERE e.event_date = '{date}'",
    ),
    shape(
        8,
        45.0,
        Work::Insert,
        &[INVENTORY, SALES, PRODUCTS],
        &[Aggregate],
        "INSERT INTO inventory\nSELECT p.product_id, '{date}'::date, sum(s.quantity)\nFROM sales s\nJOIN products p ON p.product_id = s.product_id\nWHERE s.sold_at >= '{date}'\nGROUP BY 1, 2",
    ),
    shape(
        6,
        15.0,
        Work::Unload,
        &[SALES],
        &[],
        "UNLOAD ('SELECT * FROM sales WHERE sold_at >= \\'{date}\\'') TO 's3://retail-exports/sales/{path}/' IAM_ROLE '' FORMAT PARQUET ALLOWOVERWRITE",
    ),
    shape(4, 90.0, Work::Vacuum, &[SALES], &[], "VACUUM DELETE ONLY sales"),
    shape(4, 8.0, Work::Analyze, &[SALES], &[], "ANALYZE sales PREDICATE COLUMNS"),
    shape(8, 0.2, Work::Ddl, &[STAGE_SALES], &[], "CREATE TABLE stage_sales_{n} (LIKE stage_sales INCLUDING DEFAULTS)"),
    shape(6, 0.1, Work::Ddl, &[STAGE_EVENTS], &[], "TRUNCATE TABLE stage_web_events"),
    shape(
        12,
        3.0,
        Work::Select,
        &[STAGE_SALES],
        &[Aggregate],
        "SELECT count(*), min(sold_at), max(sold_at) FROM stage_sales WHERE batch_id = {n}",
    ),
];

const DASHBOARDS: [Shape; 9] = [
    shape(
        30,
        0.8,
        Work::Select,
        &[SALES, STORES],
        &[Aggregate, Sort],
        "SELECT st.region, sum(s.amount) AS revenue\nFROM sales s\nJOIN stores st ON st.store_id = s.store_id\nWHERE s.sold_at BETWEEN '{date}' AND '{date2}'\nGROUP BY st.region\nORDER BY revenue DESC",
    ),
    shape(
        24,
        0.3,
        Work::Select,
        &[INVENTORY],
        &[Limit],
        "SELECT product_id, on_hand FROM inventory WHERE store_id = {n} AND on_hand < {m} LIMIT 100",
    ),
    shape(
        20,
        0.2,
        Work::Select,
        &[SALES],
        &[Aggregate],
        "SELECT count(*), sum(amount) FROM sales WHERE store_id = {n} AND sold_at >= '{date}'",
    ),
    shape(
        14,
        1.6,
        Work::Select,
        &[SALES, PRODUCTS, DATES],
        &[Aggregate, Sort, Limit],
        "SELECT p.category, d.week, sum(s.quantity) AS units\nFROM sales s\nJOIN products p USING (product_id)\nJOIN dates d ON d.date_key = s.date_key\nWHERE p.category = '{word}' AND d.year = {year}\nGROUP BY 1, 2\nORDER BY 2, 3 DESC\nLIMIT 50",
    ),
    shape(
        8,
        2.4,
        Work::Select,
        &[EVENTS],
        &[Aggregate, Unique],
        "SELECT event_date, count(DISTINCT session_id) AS sessions FROM web_events WHERE event_date >= '{date}' GROUP BY event_date",
    ),
    shape(
        6,
        1.1,
        Work::Select,
        &[RETURNS, SALES],
        &[Aggregate],
        "SELECT r.reason, count(*) FROM returns r JOIN sales s ON s.sale_id = r.sale_id WHERE s.store_id IN ({n}, {m}) GROUP BY r.reason",
    ),
    shape(
        4,
        6.0,
        Work::Select,
        &[SALES, CUSTOMERS, STORES],
        &[Aggregate, Window, Sort],
        "{long}SELECT c.segment, st.region, sum(s.amount), rank() OVER (PARTITION BY st.region ORDER BY sum(s.amount) DESC)\nFROM sales s\nJOIN customers c ON c.customer_id = s.customer_id\nJOIN stores st ON st.store_id = s.store_id\nWHERE s.sold_at >= '{date}' AND c.name <> 'O''{word}'\nGROUP BY 1, 2",
    ),
    shape(3, 0.1, Work::Ddl, &[PROMOTIONS], &[], "ALTER TABLE promotions APPEND FROM promotions_{n}"),
    shape(
        4,
        1.0,
        Work::Select,
        &[PROMOTIONS, SALES],
        &[Aggregate],
        "SELECT promotion_id,            sum(amount)                                                                                     FROM sales                                                                                      JOIN promotions USING (promotion_id)     WHERE promotion_id = {n} GROUP BY 1",
    ),
];

const AD_HOC: [Shape; 10] = [
    shape(
        16,
        6.0,
        Work::Select,
        &[SALES, CUSTOMERS],
        &[Aggregate, Sort, Limit],
        "select c.customer_id, c.email, sum(s.amount) as total\nfrom sales s join customers c on c.customer_id = s.customer_id\nwhere s.sold_at > '{date}' and c.email like '%{word}%'\ngroup by 1, 2 order by 3 desc limit {n}",
    ),
    nested(shape(
        6,
        90.0,
        Work::Select,
        &[EVENTS, CUSTOMERS],
        &[Aggregate],
        "select count(*) from web_events e, customers c where e.ip_address <> c.last_ip and e.event_date = '{date}' and c.segment = '{word}'",
    )),
    shape(
        10,
        30.0,
        Work::Select,
        &[EVENTS],
        &[Unique, Sort],
        "select distinct url, user_agent from web_events where event_date between '{date}' and '{date2}' order by 1",
    ),
    shape(14, 2.0, Work::Select, &[PRODUCTS], &[Limit], "select * from products where name ilike '%{word}%' limit {n}"),
    shape(
        10,
        15.0,
        Work::Select,
        &[SALES, PRODUCTS, STORES, DATES],
        &[Window, Sort],
        "with weekly as (\n    select p.product_id, d.week, sum(s.amount) as amount\n    from sales s join products p using (product_id) join dates d using (date_key) join stores st using (store_id)\n    where st.country = '{word}' and d.year = {year}\n    group by 1, 2\n)\nselect product_id, week, amount, lag(amount) over (partition by product_id order by week) as before from weekly",
    ),
    shape(
        8,
        1.5,
        Work::Select,
        &[INVENTORY],
        &[Aggregate],
        "select store_id, count(*) from inventory where on_hand = 0 and product_id = {n} group by store_id -- out of stock\\missing",
    ),
    shape(
        5,
        45.0,
        Work::Insert,
        &[RETURNS, SALES],
        &[Sort],
        "create table scratch_{word}_{n} as\nselect s.*, r.reason from sales s left join returns r on r.sale_id = s.sale_id\nwhere s.sold_at >= '{date}' order by s.sold_at",
    ),
    shape(6, 0.2, Work::Ddl, &[PROMOTIONS], &[], "drop table if exists scratch_{word}_{n}"),
    shape(
        5,
        20.0,
        Work::Select,
        &[SALES],
        &[Aggregate],
        "{long}select date_trunc('month', sold_at), sum(amount) from sales where sale_id in ({n}, {m}) group by 1",
    ),
    shape(
        4,
        3.0,
        Work::Unload,
        &[CUSTOMERS],
        &[],
        "unload ('select * from customers where segment = \\'{word}\\'') to 's3://retail-exports/adhoc/{path}/' iam_role '' csv header",
    ),
];

/// The shapes of a kind of cluster.
pub(super) fn shapes(kind: Kind) -> &'static [Shape] {
    match kind {
        Kind::Etl => &ETL,
        Kind::Dashboards => &DASHBOARDS,
        Kind::AdHoc => &AD_HOC,
    }
}

/// Chooses a shape by weight.
pub(super) fn choose(rng: &mut ChaCha8Rng, shapes: &'static [Shape]) -> &'static Shape {
    let mut pick = rng.random_range(0..shapes.iter().map(|s| s.weight).sum());
    shapes
        .iter()
        .find(|shape| {
            let here = pick < shape.weight;
            pick = pick.saturating_sub(shape.weight);
            here
        })
        .unwrap_or(&shapes[0])
}

const WORDS: [&str; 12] =
    ["garden", "kitchen", "toys", "loyal", "north", "Brien", "outdoor", "new", "books", "DE", "apparel", "lapsed"];

/// The statement with literals of the moment `now` (microseconds since 1970-01-01 UTC).
pub(super) fn fill(rng: &mut ChaCha8Rng, shape: &Shape, now: i64) -> String {
    let mut sql = String::with_capacity(shape.sql.len() + 64);
    let mut rest = shape.sql;
    while let Some((before, after)) = rest.split_once('{') {
        let (gap, after) = after.split_once('}').unwrap_or((after, ""));
        sql.push_str(before);
        let back = rng.random_range(0..30_i64);
        match gap {
            "date" => sql.push_str(&day_name(day_of(now - back * DAY))),
            "date2" => sql.push_str(&day_name(day_of(now))),
            "path" => {
                let day = day_name(day_of(now)).replace('-', "/");
                sql.push_str(&format!("{day}/{:02}", rng.random_range(0..24)));
            }
            "n" | "m" => sql.push_str(&rng.random_range(1..1000).to_string()),
            "year" => sql.push_str(&day_name(day_of(now))[..4]),
            "word" => sql.push_str(WORDS[rng.random_range(0..WORDS.len())]),
            "long" => long(rng, &mut sql),
            _ => sql.push_str(gap),
        }
        rest = after;
    }
    sql.push_str(rest);
    // The log tables hold a line break as backslash and n.
    sql.replace('\n', "\\n")
}

/// A generated header of 4,100 to 9,000 characters, as reporting tools and code generators write them.
fn long(rng: &mut ChaCha8Rng, sql: &mut String) {
    let end = sql.len() + rng.random_range(4_100..9_000);
    sql.push_str("/* report ");
    while sql.len() < end {
        let (word, number) = (WORDS[rng.random_range(0..WORDS.len())], rng.random_range(0..10_000));
        sql.push_str(&format!("field_{number:<12}{word:<14}"));
    }
    sql.push_str(" */ ");
}
