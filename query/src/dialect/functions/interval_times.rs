//! An interval, a number of times.

use arrow::compute::cast;
use arrow::compute::kernels::numeric::mul;
use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{all_scalar, result, wrong_arguments};

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// `lookback_interval_times(interval, number)`, for whole numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IntervalTimes {
    signature: Signature,
}

impl IntervalTimes {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for IntervalTimes {
    fn name(&self) -> &str {
        "lookback_interval_times"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [DataType::Interval(_), number] if number.is_integer() || number.is_null() => {
                Ok(vec![INTERVAL, DataType::Int64])
            }
            _ => wrong_arguments("interval * whole number", types),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = all_scalar(&arguments.args);
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [interval, number] = arrays.as_slice() else { return exec_err!("an interval is multiplied by a number") };
        result(mul(&cast(interval, &INTERVAL)?, number)?, scalar)
    }
}
