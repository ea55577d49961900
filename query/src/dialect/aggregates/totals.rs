//! SUM and AVG.
//!
//! | argument | SUM | AVG |
//! |---|---|---|
//! | integer | BIGINT, an error if it does not fit | BIGINT, without its fraction |
//! | DECIMAL(p,s) | DECIMAL(38,s) | DECIMAL(38,s), digits behind the scale cut off |
//! | float | DOUBLE PRECISION | DOUBLE PRECISION |
//!
//! Sources: Amazon Redshift Database Developer Guide, "SUM function" and "AVG function". Floats and intervals are left to
//! DataFusion's functions.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, Signature, Volatility,
};

use super::total_state::{DistinctTotal, GroupTotals, OneTotal, Shape};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Sum,
    Average,
}

/// SUM or AVG.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Total {
    kind: Kind,
    // For floats and intervals.
    builtin: Arc<AggregateUDF>,
    signature: Signature,
}

impl Total {
    pub(super) fn new(kind: Kind, builtin: Arc<AggregateUDF>) -> Self {
        Self { kind, builtin, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// What is computed here, if it is.
    fn shape(&self, argument: &DataType) -> Option<Shape> {
        match argument {
            DataType::Int64 => Some(Shape { kind: self.kind, scale: None }),
            DataType::Decimal128(_, scale) => Some(Shape { kind: self.kind, scale: Some(*scale) }),
            _ => None,
        }
    }
}

impl AggregateUDFImpl for Total {
    fn name(&self) -> &str {
        self.builtin.name()
    }

    fn aliases(&self) -> &[String] {
        self.builtin.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [one] = given else { return plan_err!("{}() takes one argument, not {}", self.name(), given.len()) };
        Ok(vec![match one {
            DataType::UInt64 => DataType::Decimal128(20, 0),
            DataType::Null => DataType::Int64,
            integer if integer.is_integer() => DataType::Int64,
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale) => DataType::Decimal128(*precision, *scale),
            float if float.is_floating() => DataType::Float64,
            DataType::Duration(_) => one.clone(),
            other => return plan_err!("{}() takes a number, not {other}; cast it to one", self.name()),
        }])
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [DataType::Int64] => Ok(DataType::Int64),
            [DataType::Decimal128(_, scale)] => Ok(DataType::Decimal128(38, *scale)),
            _ => self.builtin.return_type(given),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.shape(args.expr_fields[0].data_type()) {
            Some(shape) if args.is_distinct => Ok(Box::new(DistinctTotal::new(shape))),
            Some(shape) => Ok(Box::new(OneTotal::new(shape))),
            None => self.builtin.accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.shape(args.expr_fields[0].data_type()) {
            Some(_) => self.accumulator(args),
            None => self.builtin.create_sliding_accumulator(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let Some(shape) = self.shape(args.input_fields[0].data_type()) else { return self.builtin.state_fields(args) };
        let field = |name: &str, data_type| Arc::new(Field::new(format_state_name(args.name, name), data_type, true));
        if args.is_distinct {
            let values = Field::new_list_field(shape.state_type(), true);
            return Ok(vec![field("values", DataType::List(Arc::new(values)))]);
        }
        Ok(vec![field("count", DataType::Int64), field("sum", shape.state_type())])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        match self.shape(args.expr_fields[0].data_type()) {
            Some(_) => !args.is_distinct,
            None => self.builtin.groups_accumulator_supported(args),
        }
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match self.shape(args.expr_fields[0].data_type()) {
            Some(shape) => Ok(Box::new(GroupTotals::new(shape))),
            None => self.builtin.create_groups_accumulator(args),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }
}
