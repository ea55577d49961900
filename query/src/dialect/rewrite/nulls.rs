//! `NVL` takes any number of arguments in Redshift, two in DataFusion; `COALESCE` is the same function.

use sqlparser::ast::Function;

use super::{rename, simple_name};

pub(super) fn nvl(function: &mut Function) {
    if simple_name(function).as_deref() == Some("nvl") {
        rename(function, "coalesce");
    }
}
