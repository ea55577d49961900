//! Texts that hold quotes or backslashes are not printed as they would be read. As escaped strings they are printed as what
//! they are, and mean the same; so a statement can be printed, sent elsewhere and read again.

use sqlparser::ast::{Expr, Value, ValueWithSpan};

/// A text as a literal that is printed faithfully.
pub(crate) fn text_literal(text: String) -> Expr {
    Expr::value(if has_special(&text) { Value::EscapedStringLiteral(text) } else { Value::SingleQuotedString(text) })
}

pub(super) fn printable(expr: &mut Expr) {
    if let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = expr
        && has_special(text)
    {
        *expr = text_literal(std::mem::take(text));
    }
}

fn has_special(text: &str) -> bool {
    text.contains(['\'', '\\'])
}
