//! `NVL` takes any number of arguments in Redshift, two in DataFusion; `COALESCE` is the same function, and so is `ISNULL` with two.

use sqlparser::ast::Function;

use super::{arguments, rename, simple_name};

pub(super) fn nvl(function: &mut Function) {
    match simple_name(function).as_deref() {
        Some("nvl") => rename(function, "coalesce"),
        Some("isnull") if arguments(function).is_some_and(|args| args.len() == 2) => rename(function, "coalesce"),
        _ => {}
    }
}
