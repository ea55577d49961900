//! Characters and numbers in other writings: `ASCII`, `CHR`, `STRTOL`, `TO_HEX`.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::common::Result;

use crate::dialect::functions::frame::{Arguments, Function, Kind, wrong};

pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, Int, Text};
    vec![
        Function::new("ascii", "ascii(text)", &[Text], DataType::Int32, |a| {
            let texts = a.texts(0)?;
            a.numbers::<Int32Type>(|row| {
                Ok(Some(texts.get(row).chars().next().map_or(0, |first| u32::from(first).cast_signed())))
            })
        }),
        Function::new("chr", "chr(number)", &[Int], DataType::Utf8, |a| {
            let codes = a.ints(0)?;
            let letter = |code| u8::try_from(code).ok().filter(u8::is_ascii).map(|code| char::from(code).to_string());
            a.strings(|row| Ok(letter(codes.get(row))))
        }),
        Function::new("strtol", "strtol(text, base)", &[Text, Int], DataType::Int64, |a| {
            let (texts, bases) = (a.texts(0)?, a.ints(1)?);
            a.numbers::<Int64Type>(|row| number(texts.get(row), bases.get(row)).map(Some))
        }),
        Function::new("to_hex", "to_hex(number)", &[Any], DataType::Utf8, hexadecimal),
    ]
}

fn number(text: &str, base: i64) -> Result<i64> {
    let Some(radix) = u32::try_from(base).ok().filter(|base| (2..=36).contains(base)) else {
        return wrong(format!("strtol('{text}', {base}): the base must be between 2 and 36"));
    };
    if text.is_empty() || text.starts_with('\0') {
        return Ok(0);
    }
    let digits = text.trim_start();
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits.strip_prefix('+').unwrap_or(digits)),
    };
    let hexadecimal = if radix == 16 { digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) } else { None };
    let digits = hexadecimal.unwrap_or(digits);
    let read =
        if digits.starts_with(['+', '-']) { None } else { i64::from_str_radix(&format!("{sign}{digits}"), radix).ok() };
    read.map_or_else(
        || wrong(format!("strtol('{text}', {base}): this is no number of that base in the range of BIGINT")),
        Ok,
    )
}

/// A negative number has as many digits as its type is wide. How wide a constant is in Redshift cannot be seen here.
fn hexadecimal(a: &Arguments) -> Result<ArrayRef> {
    let given = a.data_type(0).clone();
    if !(given.is_integer() || given.is_null()) {
        return wrong(format!("the form is to_hex(number) with an integer, but the argument is {given}"));
    }
    let (array, constant) = a.raw(0);
    let wide = arrow::compute::cast(array, &DataType::Int64)?;
    let wide = wide.as_primitive::<Int64Type>();
    let narrow = given.primitive_width().is_some_and(|bytes| bytes <= 4);
    a.strings(|row| {
        let number = wide.value(if constant { 0 } else { row });
        if number < 0 && constant {
            return wrong(format!("to_hex({number}): how many digits a negative constant has depends on its type"));
        }
        let bits = number.cast_unsigned();
        Ok(Some(format!("{:x}", if narrow { bits & u64::from(u32::MAX) } else { bits })))
    })
}
