//! The groups of a grouped scan, and how the rows of a file are added to them.

use std::sync::Arc;

use arrow::array::types::UInt32Type;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter, filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::{GroupsAccumulatorAdapter, PhysicalExpr};
use datafusion::physical_plan::aggregates::evaluate_many;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

use super::asked::{Asked, Source};
use crate::columns::Kept;
use crate::steps::codes::{Codes, MOST};

/// No group yet. There are never so many.
const UNKNOWN: u32 = u32::MAX;

/// Groups, and what was computed of each of them until now.
pub(super) struct Table {
    values: Box<dyn GroupValues>,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    /// The group of each row of a batch.
    groups: Vec<usize>,
}

impl Table {
    pub(super) fn new(asked: &Asked) -> Result<Self> {
        let accumulator = |function: &Arc<AggregateFunctionExpr>| -> Result<Box<dyn GroupsAccumulator>> {
            if function.groups_accumulator_supported() {
                return function.create_groups_accumulator();
            }
            let function = Arc::clone(function);
            Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
        };
        Ok(Self {
            values: new_group_values(Arc::clone(&asked.group_schema), &GroupOrdering::None)?,
            accumulators: asked.aggregates.iter().map(accumulator).collect::<Result<_>>()?,
            groups: Vec::new(),
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.values.size() + self.accumulators.iter().map(|one| one.size()).sum::<usize>()
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The groups with the states of what was computed of them.
    pub(super) fn into_batch(mut self, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        if self.values.is_empty() {
            return Ok(None);
        }
        let mut columns: Vec<ArrayRef> = self.values.emit(EmitTo::All)?;
        for accumulator in &mut self.accumulators {
            columns.extend(accumulator.state(EmitTo::All)?);
        }
        Ok(Some(RecordBatch::try_new(Arc::clone(schema), columns)?))
    }
}

impl Asked {
    /// Adds the rows of a file to the groups, and says how many rows it has; none, and nothing is added, if its values are too many.
    pub(super) fn add(&self, table: &mut Table, file: &PartitionedFile, kept: &[Arc<Kept>]) -> Result<Option<usize>> {
        let Some(columns) = self.numbered(file, kept)? else { return Ok(None) };
        let numbers = columns.iter().try_fold(1_u32, |all, column| all.checked_mul(column.len()));
        let Some(numbers) = numbers.filter(|&numbers| numbers <= MOST) else { return Ok(None) };
        let mut known = vec![UNKNOWN; numbers as usize];
        let constants = self.files.scan.constants(file)?;
        let rows = kept.iter().map(|column| column.rows()).min().unwrap_or(0);
        let batch = self.files.scan.batch();
        for from in (0..rows).step_by(batch) {
            let some = from..rows.min(from + batch);
            let mut codes = vec![0; some.len()];
            let mut step = 1;
            for column in &columns {
                column.add(some.clone(), step, &mut codes);
                step *= column.len();
            }
            let mut batch = self.files.scan.rows(kept, &constants, some)?;
            if let Some(predicate) = &self.predicate {
                let matching = truth(predicate, &batch)?;
                if matching.true_count() < matching.len() {
                    batch = filter_record_batch(&batch, &matching)?;
                    codes =
                        filter(&UInt32Array::from(codes), &matching)?.as_primitive::<UInt32Type>().values().to_vec();
                }
            }
            if !codes.is_empty() {
                self.find_groups(table, &columns, &codes, &mut known)?;
                table.groups.clear();
                table.groups.extend(codes.iter().map(|&code| known[code as usize] as usize));
                self.update(table, &batch)?;
            }
        }
        Ok(Some(rows))
    }

    /// The columns to group by, as numbers; none if one of them has too many values.
    fn numbered(&self, file: &PartitionedFile, kept: &[Arc<Kept>]) -> Result<Option<Vec<Codes>>> {
        let mut columns = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let codes = match group.column {
                Source::File(place) => kept.get(place).map(|kept| Codes::of(kept)).transpose()?.flatten(),
                Source::Partition(number) => file.partition_values.get(number).map(Codes::constant).transpose()?,
            };
            match codes {
                Some(codes) => columns.push(codes),
                None => return Ok(None),
            }
        }
        Ok(Some(columns))
    }

    /// Looks at values that the file's rows have for the first time: which groups they are.
    fn find_groups(&self, table: &mut Table, columns: &[Codes], codes: &[u32], known: &mut [u32]) -> Result<()> {
        let mut new = Vec::new();
        for &code in codes {
            let group = &mut known[code as usize];
            if *group == UNKNOWN {
                *group = 0;
                new.push(code);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let mut step = 1;
        let mut values = Vec::with_capacity(columns.len());
        for (group, column) in self.groups.iter().zip(columns) {
            let of_column = column.values(new.iter().map(|code| code / step % column.len()))?;
            step *= column.len();
            let rows = RecordBatch::try_new(Arc::clone(&group.schema), vec![of_column])?;
            values.push(group.expr.evaluate(&rows)?.into_array(new.len())?);
        }
        table.values.intern(&values, &mut table.groups)?;
        for (&code, &group) in new.iter().zip(&table.groups) {
            known[code as usize] = u32::try_from(group).map_err(|e| DataFusionError::External(Box::new(e)))?;
        }
        Ok(())
    }

    fn update(&self, table: &mut Table, batch: &RecordBatch) -> Result<()> {
        let arguments = evaluate_many(&self.arguments, batch)?;
        let all = table.values.len();
        for ((accumulator, arguments), only) in table.accumulators.iter_mut().zip(&arguments).zip(&self.filters) {
            let only = only.as_ref().map(|only| truth(only, batch)).transpose()?;
            accumulator.update_batch(arguments, &table.groups, only.as_ref(), all)?;
        }
        Ok(())
    }
}

/// Where a predicate is true. NULL is not.
fn truth(predicate: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let matching = predicate.evaluate(batch)?.into_array(batch.num_rows())?;
    match matching.as_boolean_opt() {
        Some(matching) if matching.null_count() > 0 => Ok(prep_null_mask_filter(matching)),
        Some(matching) => Ok(matching.clone()),
        None => internal_err!("a filter must be true or false"),
    }
}
