//! What all functions here share: arguments are counted, brought into one form, and read row by row.
//!
//! A function says which [`Kind`] of value it wants at each place. Whatever can stand there in Redshift is accepted: an
//! integer of any width where an integer is wanted, a text that reads as a time where a time is wanted, and any value where a
//! text is wanted, in the form that Redshift prints it. An argument that is the same for all rows is prepared once.

use std::fmt;
use std::hash::{Hash, Hasher};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::arguments::Column;
pub(super) use super::arguments::{Arguments, Values};
use super::{all_scalar, plain, result, timestamp, wrong_arguments, zones};
use crate::error::QueryError;

/// Longest text that a function makes, in bytes: the longest VARCHAR that Redshift has.
pub(super) const LONGEST_TEXT: usize = 65_535;

/// What a function wants at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A text; other values become the text that Redshift prints for them.
    Text,
    /// An integer of any width.
    Int,
    /// An integer, or a text that the function looks at.
    IntOrText,
    /// Any number, as DOUBLE PRECISION.
    Float,
    /// A TIMESTAMP, TIMESTAMPTZ or DATE, or a text that reads as one.
    Time,
    /// As [`Kind::Moment`], or the length of time between two times.
    TimeOrSpan,
    /// As [`Kind::Time`], but a TIMESTAMPTZ stays one.
    Moment,
    /// A text or a time.
    TextOrTime,
    /// A BOOLEAN.
    Bool,
    /// Whatever it is: the function looks at the type.
    Any,
}

impl Kind {
    /// The type that an argument is cast to before the function sees it, if it can stand here.
    fn accepts(self, given: &DataType) -> Option<DataType> {
        let is_text = is_text(given);
        match self {
            Self::Any => Some(if is_text { DataType::Utf8 } else { given.clone() }),
            Self::Text if is_text || given.is_null() => Some(DataType::Utf8),
            Self::Text if plain::is_printable(given) => Some(given.clone()),
            Self::IntOrText if is_text => Some(DataType::Utf8),
            Self::Int | Self::IntOrText if given.is_integer() || is_text || given.is_null() => Some(DataType::Int64),
            Self::Float if given.is_numeric() || is_text || given.is_null() => Some(DataType::Float64),
            Self::Moment | Self::TimeOrSpan if matches!(given, DataType::Timestamp(_, Some(_))) => {
                Some(zones::with_zone())
            }
            Self::TimeOrSpan if matches!(given, DataType::Duration(_)) => {
                Some(DataType::Duration(TimeUnit::Microsecond))
            }
            Self::TimeOrSpan if matches!(given, DataType::Interval(_)) => {
                Some(DataType::Interval(IntervalUnit::MonthDayNano))
            }
            Self::Time | Self::TimeOrSpan | Self::Moment | Self::TextOrTime if is_text => Some(DataType::Utf8),
            Self::Time | Self::TimeOrSpan | Self::Moment | Self::TextOrTime if given.is_null() || is_time(given) => {
                Some(timestamp())
            }
            Self::Bool if *given == DataType::Boolean || is_text || given.is_null() => Some(DataType::Boolean),
            _ => None,
        }
    }
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_text(values),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

pub(super) fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

type Body = dyn Fn(&Arguments) -> Result<ArrayRef> + Send + Sync;
type Returns = dyn Fn(&[DataType]) -> Result<DataType> + Send + Sync;

/// A function of Redshift. Two functions of one name are one function.
pub(super) struct Function {
    name: &'static str,
    aliases: Vec<String>,
    usage: &'static str,
    kinds: &'static [Kind],
    optional: usize,
    repeats: bool,
    returns: Box<Returns>,
    body: Box<Body>,
    signature: Signature,
}

impl Function {
    /// A function that answers values of one type.
    pub(super) fn new(
        name: &'static str,
        usage: &'static str,
        kinds: &'static [Kind],
        returns: DataType,
        body: impl Fn(&Arguments) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Self {
        Self::typed(name, usage, kinds, move |_| Ok(returns.clone()), body)
    }

    /// A function whose type follows from those of its arguments.
    pub(super) fn typed(
        name: &'static str,
        usage: &'static str,
        kinds: &'static [Kind],
        returns: impl Fn(&[DataType]) -> Result<DataType> + Send + Sync + 'static,
        body: impl Fn(&Arguments) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            aliases: Vec::new(),
            usage,
            kinds,
            optional: 0,
            repeats: false,
            returns: Box::new(returns),
            body: Box::new(body),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    /// Other names of the function.
    pub(super) fn aliases(mut self, names: &[&str]) -> Self {
        self.aliases = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The last arguments that may be left out.
    pub(super) fn optional(mut self, count: usize) -> Self {
        self.optional = count;
        self
    }

    /// The last argument may be repeated.
    pub(super) fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let (least, most) = (self.kinds.len() - self.optional, self.kinds.len());
        if given.len() < least || (given.len() > most && !self.repeats) {
            return wrong_arguments(self.usage, given);
        }
        let last = self.kinds.last().copied().unwrap_or(Kind::Any);
        let kinds = self.kinds.iter().copied().chain(std::iter::repeat(last));
        let types: Option<Vec<DataType>> = given.iter().zip(kinds).map(|(given, kind)| kind.accepts(given)).collect();
        types.map_or_else(|| wrong_arguments(self.usage, given), Ok)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        (self.returns)(given)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&args.args);
        let rows = if scalar { 1 } else { args.number_rows };
        let columns = args.args.iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let array = (self.body)(&Arguments { name: self.name, rows, columns })?;
        result(array, scalar)
    }
}

/// A function without arguments whose answer is known when the statement starts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Constant {
    name: &'static str,
    aliases: Vec<String>,
    value: ScalarValue,
    signature: Signature,
}

impl Constant {
    pub(super) fn new(name: &'static str, aliases: &[&str], value: ScalarValue) -> Self {
        let aliases = aliases.iter().map(|name| (*name).to_owned()).collect();
        Self { name, aliases, value, signature: Signature::nullary(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}

/// An error in what was asked, not in the lake.
pub(super) fn wrong<T>(message: impl Into<String>) -> Result<T> {
    Err(QueryError::sql(message).into())
}
