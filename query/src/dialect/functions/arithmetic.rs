//! Functions of numbers: roots, logarithms, angles, `MOD`, `SIGN`, `ABS`. What has no answer is an error, as in Redshift, and
//! not the NaN or infinity of floating-point arithmetic.
//!
//! Source: Amazon Redshift Database Developer Guide, "Math functions".

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::compute::cast;
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::common::Result;

use super::frame::{Arguments, Function, Kind, wrong};
use super::wrong_arguments;

/// What a function of one number answers: the number, or why there is none.
type Answer = std::result::Result<f64, &'static str>;

pub(super) fn functions() -> Vec<Function> {
    let mut all = vec![
        one("sqrt", "sqrt(number)", &["dsqrt"], |x| {
            if x < 0.0 { Err("a negative number has no square root") } else { Ok(x.sqrt()) }
        }),
        one("cbrt", "cbrt(number)", &["dcbrt"], |x| Ok(x.cbrt())),
        one("exp", "exp(number)", &["dexp"], |x| finite(x.exp())),
        one("ln", "ln(number)", &["dlog1"], |x| logarithm(x, f64::ln)),
        one("log", "log(number)", &["dlog10", "log10"], |x| logarithm(x, f64::log10)),
        one("degrees", "degrees(number)", &[], |x| finite(x.to_degrees())),
        one("radians", "radians(number)", &[], |x| Ok(x.to_radians())),
        one("sin", "sin(number)", &[], |x| Ok(x.sin())),
        one("cos", "cos(number)", &[], |x| Ok(x.cos())),
        one("tan", "tan(number)", &[], |x| Ok(x.tan())),
        one("cot", "cot(number)", &[], |x| finite(x.tan().recip())),
        one("asin", "asin(number)", &[], |x| in_unit(x, f64::asin)),
        one("acos", "acos(number)", &[], |x| in_unit(x, f64::acos)),
        one("atan", "atan(number)", &[], |x| Ok(x.atan())),
    ];
    all.push(two("atan2", "atan2(number, number)", &[], |y, x| Ok(y.atan2(x))));
    all.push(two("power", "power(number, number)", &["pow", "dpow"], power));
    all.push(Function::typed("mod", "mod(number, number)", &[Kind::Any, Kind::Any], remainder_type, remainder));
    all.push(Function::typed("sign", "sign(number)", &[Kind::Any], sign_type, sign));
    all
}

fn one(name: &'static str, usage: &'static str, aliases: &[&str], value: fn(f64) -> Answer) -> Function {
    Function::new(name, usage, &[Kind::Float], DataType::Float64, move |a| {
        let numbers = a.floats(0)?;
        a.numbers::<Float64Type>(|row| match value(numbers.get(row)) {
            Ok(answer) => Ok(Some(answer)),
            Err(why) => wrong(format!("{}({}): {why}", a.name, numbers.get(row))),
        })
    })
    .aliases(aliases)
}

fn two(name: &'static str, usage: &'static str, aliases: &[&str], value: fn(f64, f64) -> Answer) -> Function {
    Function::new(name, usage, &[Kind::Float, Kind::Float], DataType::Float64, move |a| {
        let (first, second) = (a.floats(0)?, a.floats(1)?);
        a.numbers::<Float64Type>(|row| match value(first.get(row), second.get(row)) {
            Ok(answer) => Ok(Some(answer)),
            Err(why) => wrong(format!("{}({}, {}): {why}", a.name, first.get(row), second.get(row))),
        })
    })
    .aliases(aliases)
}

fn finite(value: f64) -> Answer {
    if value.is_infinite() { Err("the value is out of range") } else { Ok(value) }
}

fn logarithm(value: f64, of: fn(f64) -> f64) -> Answer {
    if value > 0.0 || value.is_nan() { Ok(of(value)) } else { Err("only a positive number has a logarithm") }
}

fn in_unit(value: f64, of: fn(f64) -> f64) -> Answer {
    if (-1.0..=1.0).contains(&value) { Ok(of(value)) } else { Err("the argument must lie between -1 and 1") }
}

fn power(base: f64, exponent: f64) -> Answer {
    if base < 0.0 && exponent.fract() != 0.0 {
        return Err("a negative number has only whole powers");
    }
    if base == 0.0 && exponent < 0.0 {
        return Err("zero has no negative powers");
    }
    finite(base.powf(exponent))
}

/// Integers give a BIGINT, a DECIMAL gives a DECIMAL, anything else DOUBLE PRECISION.
fn remainder_type(given: &[DataType]) -> Result<DataType> {
    let scale = |data_type: &DataType| match data_type {
        DataType::Decimal128(_, scale) => Some(*scale),
        other => other.is_integer().then_some(0),
    };
    match given {
        [first, second] if first.is_integer() && second.is_integer() => Ok(DataType::Int64),
        [first, second] if (first.is_numeric() || first.is_null()) && (second.is_numeric() || second.is_null()) => {
            Ok(match scale(first).zip(scale(second)) {
                Some((first, second)) => DataType::Decimal128(38, first.max(second)),
                None => DataType::Float64,
            })
        }
        _ => wrong_arguments("mod(number, number)", given),
    }
}

/// The remainder has the sign of the first number.
fn remainder(a: &Arguments) -> Result<ArrayRef> {
    let common = remainder_type(&[a.data_type(0).clone(), a.data_type(1).clone()])?;
    let (first, second) = (cast(&a.array(0)?, &common)?, cast(&a.array(1)?, &common)?);
    Ok(numeric::rem(&first, &second)?)
}

fn sign_type(given: &[DataType]) -> Result<DataType> {
    match given {
        [DataType::Decimal128(..)] => Ok(DataType::Decimal128(1, 0)),
        [given] if given.is_floating() || given.is_null() => Ok(DataType::Float64),
        [given] if given.is_integer() => Ok(DataType::Int64),
        _ => wrong_arguments("sign(number)", given),
    }
}

fn sign(a: &Arguments) -> Result<ArrayRef> {
    let array = a.array(0)?;
    Ok(match array.data_type() {
        DataType::Decimal128(..) => {
            let signs = array.as_primitive::<Decimal128Type>().iter().map(|value| value.map(i128::signum));
            Arc::new(signs.collect::<Decimal128Array>().with_precision_and_scale(1, 0)?)
        }
        given if given.is_integer() => {
            let wide = cast(&array, &DataType::Int64)?;
            Arc::new(wide.as_primitive::<Int64Type>().unary::<_, Int64Type>(i64::signum))
        }
        _ => {
            let wide = cast(&array, &DataType::Float64)?;
            let sign = |value: f64| if value == 0.0 { 0.0 } else { value.signum() };
            Arc::new(wide.as_primitive::<Float64Type>().unary::<_, Float64Type>(sign))
        }
    })
}
