//! `GETDATE()`, `SYSDATE`, `NOW()`, `CURRENT_TIMESTAMP` and `CURRENT_DATE`: the moment at which the statement started, or
//! the one that `--as-of` moves it to. One statement has one moment.

use arrow::datatypes::DataType;
use chrono::DateTime;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use lookback_schemas::time::day_of;

use super::frame::Constant;
use super::timestamp;

/// `TIMEOFDAY()`, as in `Thu Sep 19 22:53:50.333525 2013 UTC`.
pub(super) fn time_of_day(now: i64) -> Constant {
    let text = DateTime::from_timestamp_micros(now).map(|now| now.format("%a %b %d %H:%M:%S%.6f %Y UTC").to_string());
    Constant::new("timeofday", &[], ScalarValue::Utf8(text))
}

/// The statement's moment.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct GetDate {
    now: i64,
    aliases: Vec<String>,
    signature: Signature,
}

impl GetDate {
    pub(super) fn new(now: i64) -> Self {
        let aliases = ["now", "current_timestamp", "sysdate"].map(str::to_owned).to_vec();
        Self { now, aliases, signature: Signature::nullary(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for GetDate {
    fn name(&self) -> &str {
        "getdate"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(timestamp())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(Some(self.now), None)))
    }
}

/// The day of the statement's moment.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CurrentDate {
    now: i64,
    aliases: Vec<String>,
    signature: Signature,
}

impl CurrentDate {
    pub(super) fn new(now: i64) -> Self {
        Self { now, aliases: vec!["today".to_owned()], signature: Signature::nullary(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for CurrentDate {
    fn name(&self) -> &str {
        "current_date"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::Date32(Some(day_of(self.now)))))
    }
}
