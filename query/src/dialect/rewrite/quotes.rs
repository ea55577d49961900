//! The parser prints some texts that hold quotes (`''''`, `'\'''`) as other texts than it read. As escaped strings they are
//! printed as what they are, and mean the same; so a statement can be printed, sent elsewhere and read again.

use sqlparser::ast::{Expr, Value, ValueWithSpan};

/// A text as a literal that is printed faithfully.
pub(crate) fn text_literal(text: String) -> Expr {
    Expr::value(if text.contains('\'') { Value::EscapedStringLiteral(text) } else { Value::SingleQuotedString(text) })
}

pub(super) fn printable(expr: &mut Expr) {
    if let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = expr
        && text.contains('\'')
    {
        *expr = text_literal(std::mem::take(text));
    }
}
