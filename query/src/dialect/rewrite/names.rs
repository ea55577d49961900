//! Names that differ: `SYSDATE`, `LEN`, the schema `pg_catalog`.

use sqlparser::ast::{Expr, Function, Ident, ObjectName, ObjectNamePart};

use super::{call, rename, simple_name};

/// `SYSDATE` and some functions about the session are written without parentheses.
pub(super) fn bare_function(expr: &mut Expr) {
    let Expr::Identifier(Ident { value, quote_style: None, .. }) = expr else { return };
    if let Some(function) = bare(value) {
        *expr = call(function);
    }
}

/// Whether a word without quotes and parentheses calls a function.
pub(crate) fn is_bare_function(word: &str) -> bool {
    bare(word).is_some()
}

fn bare(word: &str) -> Option<&'static str> {
    Some(match word.to_lowercase().as_str() {
        "sysdate" => "getdate",
        "current_user_id" => "current_user_id",
        "current_namespace" => "current_namespace",
        "current_aws_account" => "current_aws_account",
        _ => return None,
    })
}

/// Functions that DataFusion has under another name.
pub(super) fn function(function: &mut Function) {
    relation(&mut function.name);
    match simple_name(function).as_deref() {
        Some("len" | "textlen") => rename(function, "length"),
        Some("date_diff") => rename(function, "datediff"),
        Some("date_add") => rename(function, "dateadd"),
        Some("datepart") => rename(function, "date_part"),
        _ => {}
    }
}

/// Redshift's system tables live in `pg_catalog`, and scripts say so.
pub(super) fn relation(relation: &mut ObjectName) {
    if let [ObjectNamePart::Identifier(schema), ObjectNamePart::Identifier(_)] = relation.0.as_slice()
        && schema.value.eq_ignore_ascii_case("pg_catalog")
    {
        relation.0.remove(0);
    }
}
