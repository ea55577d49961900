//! What other programs need to read a lake: dashboards for Grafana, statements for Athena, definitions for Glue.
//!
//! All of it is text that is made from what this build knows of its questions and tables, and from the columns that a lake's
//! Delta logs have. Nothing is sent anywhere, and the same input gives the same text.
//!
//! - [`grafana`] has dashboards
//! - [`athena`], [`glue`]: tables of the Glue Data Catalog that point to the lake's Delta tables, as DDL and as definitions
//! - [`shape`]: the tables that there are to point to

pub mod athena;
pub mod glue;
pub mod grafana;
mod json;
mod place;
pub mod shape;

pub use place::Place;
pub use shape::TableShape;
