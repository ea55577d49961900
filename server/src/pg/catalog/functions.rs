//! Functions of PostgreSQL that clients call and the catalog lacks. Most have one answer here: there are no triggers, comments or
//! functions of users to tell about.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::functions_nested::string::array_to_string_udf;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::Context;
use crate::pg::parameters::{Parameters, VERSION};

/// Functions whose answer is always NULL, a text.
const NOTHING: [&str; 23] = [
    "col_description",
    "inet_client_addr",
    "inet_server_addr",
    "obj_description",
    "pg_describe_object",
    "pg_get_function_arg_default",
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_get_function_result",
    "pg_get_function_sqlbody",
    "pg_get_functiondef",
    "pg_get_indexdef",
    "pg_get_partition_constraintdef",
    "pg_get_ruledef",
    "pg_get_serial_sequence",
    "pg_get_triggerdef",
    "pg_get_viewdef",
    "pg_notification_queue_usage",
    "pg_size_pretty",
    "pg_tablespace_location",
    "shobj_description",
    "pg_advisory_unlock_all",
    "pg_get_statisticsobjdef",
];
/// Functions whose answer is always true.
const TRUE: [&str; 13] = [
    "has_column_privilege",
    "has_function_privilege",
    "has_sequence_privilege",
    "has_type_privilege",
    "pg_collation_is_visible",
    "pg_conversion_is_visible",
    "pg_function_is_visible",
    "pg_opclass_is_visible",
    "pg_operator_is_visible",
    "pg_opfamily_is_visible",
    "pg_ts_config_is_visible",
    "pg_ts_parser_is_visible",
    "pg_type_is_visible",
];

/// A function with one answer, whatever it is asked.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Fixed {
    name: &'static str,
    answer: ScalarValue,
    signature: Signature,
}

impl Fixed {
    fn function(name: &'static str, answer: ScalarValue) -> ScalarUDF {
        let any = vec![TypeSignature::Nullary, TypeSignature::VariadicAny];
        Self { name, answer, signature: Signature::one_of(any, Volatility::Stable) }.into()
    }
}

impl ScalarUDFImpl for Fixed {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.answer.data_type())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(self.answer.clone()))
    }
}

/// `array_to_string`, also of what is an array in PostgreSQL and a text in the catalog here: privileges and options, of which there are none.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined {
    lists: Arc<ScalarUDF>,
    signature: Signature,
}

impl Joined {
    fn function() -> ScalarUDF {
        Self { lists: array_to_string_udf(), signature: Signature::variadic_any(Volatility::Stable) }.into()
    }
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "array_to_string"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first().map(ColumnarValue::data_type) {
            Some(DataType::List(_) | DataType::LargeList(_)) => self.lists.invoke_with_args(args),
            _ => Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None))),
        }
    }
}

/// `current_setting(name [, missing_ok])`, and `set_config`, which answers what was asked for and sets nothing.
#[derive(Debug)]
struct Setting {
    name: &'static str,
    parameters: Parameters,
    signature: Signature,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Setting {}

impl Hash for Setting {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Setting {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.name == "set_config" {
            return match args.args.into_iter().nth(1) {
                Some(value) => value.cast_to(&DataType::Utf8, None),
                None => Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None))),
            };
        }
        let missing_ok = matches!(args.args.get(1), Some(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))));
        match args.args.first() {
            Some(ColumnarValue::Scalar(name)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::Utf8(self.value(name.try_as_str().flatten(), missing_ok)?)))
            }
            // psql asks for the values of all settings in one go.
            Some(ColumnarValue::Array(names)) => {
                let names = cast(names, &DataType::Utf8)?;
                let values = names.as_string::<i32>().iter().map(|name| self.value(name, missing_ok));
                Ok(ColumnarValue::Array(Arc::new(values.collect::<Result<StringArray>>()?)))
            }
            None => self.value(None, missing_ok).map(|value| ColumnarValue::Scalar(ScalarValue::Utf8(value))),
        }
    }
}

impl Setting {
    fn value(&self, name: Option<&str>, missing_ok: bool) -> Result<Option<String>> {
        let name = name.ok_or_else(|| DataFusionError::Plan(format!("{} needs the name of a setting", self.name)))?;
        match self.parameters.show(&name.to_lowercase()) {
            Ok((_, value)) => Ok(Some(value)),
            Err(_) if missing_ok => Ok(None),
            Err(failure) => Err(DataFusionError::Plan(failure.message)),
        }
    }
}

/// Those that answer the same to everybody.
pub(super) fn of_everybody() -> Vec<ScalarUDF> {
    let nothing = NOTHING.iter().map(|name| Fixed::function(name, ScalarValue::Utf8(None)));
    let yes = TRUE.iter().map(|name| Fixed::function(name, ScalarValue::Boolean(Some(true))));
    let number = |number| ScalarValue::Int64(Some(number));
    let others = [
        ("version", ScalarValue::from(VERSION)),
        ("pg_is_in_recovery", ScalarValue::Boolean(Some(false))),
        ("pg_is_wal_replay_paused", ScalarValue::Boolean(Some(false))),
        ("pg_is_other_temp_schema", ScalarValue::Boolean(Some(false))),
        ("pg_my_temp_schema", ScalarValue::Int32(Some(0))),
        ("pg_database_size", number(0)),
        ("pg_table_size", number(0)),
        ("pg_indexes_size", number(0)),
        ("pg_tablespace_size", number(0)),
        ("txid_current", number(1)),
        ("inet_server_port", ScalarValue::Int32(None)),
        ("to_regclass", ScalarValue::Int32(None)),
        ("to_regtype", ScalarValue::Int32(None)),
    ];
    let others = others.into_iter().map(|(name, answer)| Fixed::function(name, answer));
    nothing.chain(yes).chain(others).chain([Joined::function()]).collect()
}

/// Those that know who asks.
pub(super) fn of_connection(context: &Context<'_>) -> Vec<ScalarUDF> {
    let user = || ScalarValue::from(context.user);
    let setting = |name| {
        let signature = Signature::variadic_any(Volatility::Stable);
        ScalarUDF::from(Setting { name, parameters: context.parameters.clone(), signature })
    };
    vec![
        Fixed::function("session_user", user()),
        Fixed::function("current_user", user()),
        Fixed::function("pg_backend_pid", ScalarValue::Int32(i32::try_from(context.pid).ok())),
        setting("current_setting"),
        setting("set_config"),
    ]
}
