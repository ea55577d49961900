//! Texts that grow: `LPAD`, `RPAD`, `REPEAT`, `CONCAT`. None makes a text longer than a VARCHAR can be.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result;

use crate::dialect::functions::frame::{Arguments, Function, Kind, LONGEST_TEXT, wrong};

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Int, Text};
    let text = DataType::Utf8;
    vec![
        Function::new("lpad", "lpad(text, length [, fill])", &[Text, Int, Text], text.clone(), |a| pad(a, true))
            .optional(1),
        Function::new("rpad", "rpad(text, length [, fill])", &[Text, Int, Text], text.clone(), |a| pad(a, false))
            .optional(1),
        Function::new("repeat", "repeat(text, number)", &[Text, Int], text.clone(), |a| {
            let (texts, counts) = (a.texts(0)?, a.ints(1)?);
            a.strings(|row| {
                let (text, count) = (texts.get(row), usize::try_from(counts.get(row)).unwrap_or(0));
                match text.len().checked_mul(count) {
                    Some(bytes) if bytes <= LONGEST_TEXT => Ok(Some(text.repeat(count))),
                    _ => too_long(a),
                }
            })
        })
        .aliases(&["replicate"]),
        Function::new("concat", "concat(text, text)", &[Text, Text], text, |a| {
            let (first, second) = (a.texts(0)?, a.texts(1)?);
            a.strings(|row| Ok(Some([first.get(row), second.get(row)].concat())))
        }),
    ]
}

fn too_long<T>(a: &Arguments) -> Result<T> {
    wrong(format!("{}() would make a text of more than {LONGEST_TEXT} bytes, which no VARCHAR holds", a.name))
}

/// What is longer than wanted loses its end, on either side of padding.
fn pad(a: &Arguments, left: bool) -> Result<ArrayRef> {
    let (texts, lengths) = (a.texts(0)?, a.ints(1)?);
    let fills = if a.len() == 3 { Some(a.texts(2)?) } else { None };
    a.strings(|row| {
        let text = texts.get(row);
        let wanted = usize::try_from(lengths.get(row)).unwrap_or(0);
        let missing = wanted.saturating_sub(text.chars().count());
        if missing > LONGEST_TEXT {
            return too_long(a);
        }
        let kept = text.chars().take(wanted);
        let fill = fills.as_ref().map_or(" ", |fills| fills.get(row)).chars().cycle().take(missing);
        let padded: String = if left { fill.chain(kept).collect() } else { kept.chain(fill).collect() };
        if padded.len() > LONGEST_TEXT && missing > 0 { too_long(a) } else { Ok(Some(padded)) }
    })
}
