//! Functions of texts that are JSON. A text that is not JSON is an error, or NULL if the last argument is TRUE.
//!
//! Objects and arrays come out as they are written in the text; strings lose their quotation marks and escapes; `null` and
//! what is not there is NULL. Source: Amazon Redshift Database Developer Guide, "JSON functions".

mod scan;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::Result;

use super::frame::{Arguments, Function, Kind, Values, wrong};
use scan::Json;

/// Most path elements.
const DEEPEST: usize = 5;

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Bool, Int, Text};
    vec![
        Function::new(
            "json_extract_path_text",
            "json_extract_path_text('json', 'element' [, 'element' ...] [, null_if_invalid])",
            &[Text, Text],
            DataType::Utf8,
            extract_path,
        )
        .repeats(),
        Function::new(
            "json_extract_array_element_text",
            "json_extract_array_element_text('json', position [, null_if_invalid])",
            &[Text, Int, Bool],
            DataType::Utf8,
            extract_element,
        )
        .optional(1),
        Function::new(
            "json_array_length",
            "json_array_length('json' [, null_if_invalid])",
            &[Text, Bool],
            DataType::Int32,
            |a| {
                let (texts, lenient) = (a.texts(0)?, Lenient::argument(a, 1)?);
                a.numbers::<Int32Type>(|row| match Json::of(texts.get(row)).and_then(|json| json.elements()) {
                    Some(elements) => Ok(i32::try_from(elements.len()).ok()),
                    None => lenient.invalid(a, row, texts.get(row), "a JSON array"),
                })
            },
        )
        .optional(1),
        Function::new("is_valid_json", "is_valid_json('json')", &[Text], DataType::Boolean, |a| {
            let texts = a.texts(0)?;
            a.truths(|row| Ok(Json::of(texts.get(row)).is_some_and(|json| json.is_object())))
        }),
        Function::new("is_valid_json_array", "is_valid_json_array('json')", &[Text], DataType::Boolean, |a| {
            let texts = a.texts(0)?;
            a.truths(|row| Ok(Json::of(texts.get(row)).is_some_and(|json| json.elements().is_some())))
        }),
    ]
}

/// Whether invalid JSON is NULL rather than an error.
struct Lenient(Option<Values<BooleanArray>>);

impl Lenient {
    fn argument(a: &Arguments, n: usize) -> Result<Self> {
        Ok(Self(if n < a.len() { Some(a.bools(n)?) } else { None }))
    }

    fn invalid<T>(&self, a: &Arguments, row: usize, text: &str, wanted: &str) -> Result<Option<T>> {
        if self.0.as_ref().is_some_and(|lenient| lenient.get(row)) {
            return Ok(None);
        }
        let shown: String = text.chars().take(60).collect();
        wrong(format!("{}(): the text is not {wanted}: {shown}; a last argument TRUE makes such texts NULL", a.name))
    }
}

fn extract_path(a: &Arguments) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let last = a.len() - 1;
    let has_flag = *a.data_type(last) == DataType::Boolean;
    let elements = if has_flag { last } else { last + 1 };
    let lenient = Lenient::argument(a, elements)?;
    if elements < 2 || elements - 1 > DEEPEST {
        return wrong(format!("{}() takes one to {DEEPEST} path elements", a.name));
    }
    let path = (1..elements).map(|n| a.texts(n)).collect::<Result<Vec<_>>>()?;
    a.strings(|row| {
        let text = texts.get(row);
        let Some(json) = Json::of(text) else { return lenient.invalid(a, row, text, "JSON") };
        let found = path.iter().try_fold(json, |json, element| json.member(element.get(row)));
        Ok(found.and_then(|json| json.to_text()))
    })
}

fn extract_element(a: &Arguments) -> Result<ArrayRef> {
    let (texts, positions, lenient) = (a.texts(0)?, a.ints(1)?, Lenient::argument(a, 2)?);
    a.strings(|row| {
        let text = texts.get(row);
        let Some(elements) = Json::of(text).and_then(|json| json.elements()) else {
            return lenient.invalid(a, row, text, "a JSON array");
        };
        let found = usize::try_from(positions.get(row)).ok().and_then(|position| elements.get(position));
        Ok(match found {
            Some(element) => element.to_text(),
            None => Some(String::new()),
        })
    })
}
