//! Functions that Redshift has and lookback has not: each is refused with the reason.
//!
//! Source of the names: Amazon Redshift Database Developer Guide, "SQL functions reference".

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::frame::wrong;

const SESSION: &str =
    "there is no session of a cluster; write the value itself, such as usename = 'etl' or database = 'dev'";
const SETTING: &str = "a lake has no settings of a cluster, and nothing here changes one";
const COLUMN: &str = "a lake keeps rows of many clusters without it; the system tables have a column for most of it";
const CATALOG: &str = "there are no privileges and no catalog of a cluster in a lake";
const SUPER: &str = "a lake has no columns of type SUPER; JSON in a text is read by json_extract_path_text()";
const BYTES: &str = "a lake has no columns of type VARBYTE";
const SKETCH: &str = "sketches are not kept in a lake; write APPROXIMATE COUNT(DISTINCT ...)";
const OPEN: &str = "the documentation of Redshift does not say what exactly it computes";

const MISSING: [(&str, &[&str]); 8] = [
    (
        SESSION,
        &[
            "current_user",
            "user",
            "session_user",
            "current_user_id",
            "current_database",
            "current_catalog",
            "current_namespace",
            "current_aws_account",
            "default_iam_role",
            "pg_last_copy_count",
            "pg_last_unload_count",
            "current_schemas",
            "current_session_arn",
        ],
    ),
    (
        SETTING,
        &[
            "current_setting",
            "set_config",
            "change_query_priority",
            "change_session_priority",
            "change_user_priority",
            "pg_cancel_backend",
            "pg_terminate_backend",
            "reboot_cluster",
        ],
    ),
    (COLUMN, &["slice_num"]),
    (
        CATALOG,
        &[
            "has_assumerole_privilege",
            "has_database_privilege",
            "has_schema_privilege",
            "has_table_privilege",
            "has_column_privilege",
            "has_function_privilege",
            "pg_get_cols",
            "pg_get_grantee_by_iam_role",
            "pg_get_iam_role_by_user",
            "pg_get_late_binding_view_cols",
            "pg_get_userbyid",
            "pg_get_viewdef",
            "pg_get_expr",
            "pg_table_size",
            "role_is_member_of",
            "user_is_member_of",
            "format_type",
            "format_encoding",
            "obj_description",
            "pg_timezone_names",
            "pg_timezone_abbrevs",
            "explain_model",
        ],
    ),
    (
        SUPER,
        &[
            "json_parse",
            "can_json_parse",
            "json_serialize",
            "json_serialize_to_varbyte",
            "json_size",
            "json_typeof",
            "decimal_precision",
            "decimal_scale",
            "is_array",
            "is_bigint",
            "is_boolean",
            "is_char",
            "is_decimal",
            "is_float",
            "is_integer",
            "is_object",
            "is_scalar",
            "is_smallint",
            "is_varchar",
            "object",
            "object_transform",
            "subarray",
            "split_to_array",
            "get_array_length",
            "lower_attribute_names",
        ],
    ),
    (BYTES, &["from_hex", "from_varbyte", "getbit", "to_varbyte", "hex_to_binary"]),
    (SKETCH, &["hll", "hll_cardinality", "hll_combine", "hll_combine_sketches", "hll_create_sketch"]),
    (OPEN, &["checksum", "murmur3_32_hash", "text_to_int_alt", "text_to_numeric_alt", "collate"]),
];

pub(super) fn functions() -> Vec<Missing> {
    let all = MISSING.iter().flat_map(|(why, names)| names.iter().map(|name| (*name, *why)));
    // Whatever the arguments are, the refusal itself is the message.
    let any = || Signature::one_of(vec![TypeSignature::Nullary, TypeSignature::VariadicAny], Volatility::Stable);
    all.map(|(name, why)| Missing { name, why, signature: any() }).collect()
}

/// A function that says why it is not here.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Missing {
    name: &'static str,
    why: &'static str,
    signature: Signature,
}

impl Missing {
    fn refuse<T>(&self) -> Result<T> {
        wrong(format!("function {} is not available here: {}", self.name.to_uppercase(), self.why))
    }
}

impl ScalarUDFImpl for Missing {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        self.refuse()
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.refuse()
    }
}
