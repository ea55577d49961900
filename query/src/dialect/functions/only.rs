//! The one value of a sub-query that stands for a value: `lookback_only(array)`.

use arrow::array::{Array, AsArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{all_scalar, result, wrong_arguments};

/// The value of an array that has one, NULL of one that has none; more are an error.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Only {
    signature: Signature,
}

impl Only {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Only {
    fn name(&self) -> &str {
        "lookback_only"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [DataType::List(_)] => Ok(given.to_vec()),
            _ => wrong_arguments("lookback_only(array)", given),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [DataType::List(item)] => Ok(item.data_type().clone()),
            _ => wrong_arguments("lookback_only(array)", given),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [array] = args.args.as_slice() else { return wrong_arguments("lookback_only(array)", &[]) };
        let scalar = all_scalar(&args.args);
        let array = array.to_array(if scalar { 1 } else { args.number_rows })?;
        let Some(lists) = array.as_list_opt::<i32>() else { return exec_err!("lookback_only() was not given arrays") };
        let offsets = lists.value_offsets();
        let places = (0..lists.len()).map(|row| {
            let many = if lists.is_null(row) { 0 } else { lists.value_length(row) };
            match many {
                0 => Ok(None),
                1 => Ok(offsets.get(row).and_then(|at| u64::try_from(*at).ok())),
                many => {
                    exec_err!("a sub-query that stands for one value has {many} rows; add LIMIT 1, or an aggregate")
                }
            }
        });
        let places = places.collect::<Result<UInt64Array>>()?;
        result(take(lists.values(), &places, None)?, scalar)
    }
}
