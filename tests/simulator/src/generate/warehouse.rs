//! The small retail warehouse that every simulated cluster holds, and the people who work with it.

use super::Kind;

/// A table of the warehouse.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) id: i64,
    pub(super) name: &'static str,
    /// Rows, roughly.
    pub(super) rows: i64,
    /// Bytes per row, roughly.
    pub(super) width: i64,
    /// The column that joins it to a fact table.
    pub(super) key: &'static str,
}

const fn relation(id: i64, name: &'static str, rows: i64, width: i64, key: &'static str) -> Relation {
    Relation { id, name, rows, width, key }
}

pub(super) const SALES: usize = 0;
pub(super) const CUSTOMERS: usize = 1;
pub(super) const PRODUCTS: usize = 2;
pub(super) const STORES: usize = 3;
pub(super) const EVENTS: usize = 4;
pub(super) const INVENTORY: usize = 5;
pub(super) const DATES: usize = 6;
pub(super) const RETURNS: usize = 7;
pub(super) const STAGE_SALES: usize = 8;
pub(super) const STAGE_EVENTS: usize = 9;
pub(super) const PROMOTIONS: usize = 10;

/// The tables, by the constants above.
pub(super) const RELATIONS: [Relation; 11] = [
    relation(100_231, "sales", 48_000_000, 96, "sale_id"),
    relation(100_244, "customers", 2_100_000, 210, "customer_id"),
    relation(100_257, "products", 64_000, 340, "product_id"),
    relation(100_263, "stores", 1_200, 120, "store_id"),
    relation(100_281, "web_events", 160_000_000, 180, "session_id"),
    relation(100_292, "inventory", 9_500_000, 64, "product_id"),
    relation(100_299, "dates", 7_300, 80, "date_key"),
    relation(100_305, "returns", 1_900_000, 88, "sale_id"),
    relation(100_318, "stage_sales", 350_000, 104, "sale_id"),
    relation(100_327, "stage_web_events", 900_000, 196, "session_id"),
    relation(100_333, "promotions", 4_800, 150, "promotion_id"),
];

/// Someone, or something, that runs queries.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: i64,
    pub(super) name: &'static str,
    pub(super) database: &'static str,
    /// Query group, as label of its queries.
    pub(super) group: &'static str,
    /// WLM service class, 6 to 9.
    pub(super) service_class: i64,
    pub(super) application: &'static str,
    /// Whether its driver asks for TLS.
    pub(super) tls: bool,
}

const fn worker(
    id: i64,
    name: &'static str,
    group: &'static str,
    service_class: i64,
    application: &'static str,
    tls: bool,
) -> Worker {
    Worker { id, name, database: "retail", group, service_class, application, tls }
}

const ETL: [Worker; 3] = [
    worker(101, "etl_loader", "load", 6, "airflow-worker", true),
    worker(102, "dbt_runner", "transform", 7, "dbt 1.8", true),
    worker(103, "export_svc", "unload", 7, "export.jar", false),
];

const DASHBOARDS: [Worker; 4] = [
    worker(111, "tableau_svc", "dashboard", 8, "Tableau 2025.1", true),
    worker(112, "quicksight", "dashboard", 8, "QuickSight", true),
    worker(113, "store_portal", "portal", 9, "node-pg", false),
    worker(114, "finance_report", "default", 7, "Excel ODBC", true),
];

const AD_HOC: [Worker; 6] = [
    worker(121, "maria_k", "default", 7, "DBeaver 25.0", true),
    worker(122, "jonas_w", "default", 7, "psql", true),
    worker(123, "priya_s", "science", 9, "jupyter", true),
    worker(124, "chen_l", "default", 7, "DataGrip 2025", true),
    worker(125, "tomasz_b", "science", 9, "RStudio", false),
    worker(126, "amelie_d", "default", 7, "psql", true),
];

/// Who works on a cluster of that kind, the busiest first.
pub(super) fn workers(kind: Kind) -> &'static [Worker] {
    match kind {
        Kind::Etl => &ETL,
        Kind::Dashboards => &DASHBOARDS,
        Kind::AdHoc => &AD_HOC,
    }
}

/// The name of a service class.
pub(super) fn queue(service_class: i64) -> &'static str {
    match service_class {
        6 => "loading",
        7 => "reporting",
        8 => "dashboards",
        _ => "Default queue",
    }
}
