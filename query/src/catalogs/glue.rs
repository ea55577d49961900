//! Definitions of the lake's tables for the AWS Glue Data Catalog, as native Delta tables: readers (Athena, Spark on EMR and Glue,
//! Redshift Spectrum) find the table by its location and take columns and files from the Delta log.
//!
//! The columns are written here as well, for those who browse the catalog and for Lake Formation, which grants by column. They
//! are those of the moment: a column that Redshift adds later is in the log at once, and in the catalog after this is run anew.
//!
//! The descriptor names Hive's classes for Parquet, because federated catalogs refuse to list tables without any. They are no way
//! to read the table: without the log, removed files would be read as well.

use arrow::datatypes::{DataType, Field};
use serde_json::{Map, Value, json};

use super::json::{compact, pretty};
use super::place::Place;
use super::shape::TableShape;
use crate::error::{ErrorKind, QueryError};

/// Longest comment of a column and description of a table that Glue takes.
const LONGEST_DESCRIPTION: usize = 2_048;

/// What Glue calls a type.
///
/// # Errors
/// [`ErrorKind::Internal`] for a type that no column of a lake has.
pub fn glue_type(data_type: &DataType) -> Result<String, QueryError> {
    Ok(match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        other => return Err(QueryError::new(ErrorKind::Internal, format!("Glue has no type for {other}"))),
    })
}

/// The input of `aws glue create-database`.
#[must_use]
pub fn database(place: &Place) -> Value {
    let description = "Redshift system logs, collected by lookback";
    json!({ "DatabaseInput": { "Name": place.database(), "Description": description, "LocationUri": place.location() } })
}

/// The input of `aws glue create-table` for a table.
///
/// # Errors
/// As [`glue_type`].
pub fn table(place: &Place, shape: &TableShape) -> Result<Value, QueryError> {
    let input = input(shape, &json!(place.of_table(&shape.name)))?;
    Ok(json!({ "DatabaseName": place.database(), "TableInput": input }))
}

/// One document with the inputs of all calls: `Database`, and `Tables`.
///
/// # Errors
/// As [`glue_type`].
pub fn document(place: &Place, tables: &[TableShape]) -> Result<String, QueryError> {
    let tables: Vec<Value> = tables.iter().map(|shape| table(place, shape)).collect::<Result<_, _>>()?;
    Ok(pretty(&json!({ "Database": database(place), "Tables": tables })))
}

/// A script for a shell: one call of the AWS command line for the database and for each table.
///
/// # Errors
/// As [`glue_type`].
pub fn commands(place: &Place, tables: &[TableShape]) -> Result<String, QueryError> {
    let mut script = "#!/bin/sh\nset -e\n".to_owned();
    let mut call = |operation: &str, input: &Value| {
        let input = compact(input).replace('\'', r"'\''");
        script.push_str(&format!("aws glue {operation} --cli-input-json '{input}'\n"));
    };
    call("create-database", &database(place));
    for shape in tables {
        call("create-table", &table(place, shape)?);
    }
    Ok(script)
}

/// A template of CloudFormation with the database and its tables. Location and name are parameters of it.
///
/// # Errors
/// As [`glue_type`].
pub fn template(place: &Place, tables: &[TableShape]) -> Result<String, QueryError> {
    let mut database = database(place);
    database["CatalogId"] = json!({ "Ref": "AWS::AccountId" });
    database["DatabaseInput"]["Name"] = json!({ "Ref": "DatabaseName" });
    database["DatabaseInput"]["LocationUri"] = json!({ "Ref": "LakeLocation" });
    let mut resources = Map::new();
    resources.insert("Database".to_owned(), json!({ "Type": "AWS::Glue::Database", "Properties": database }));
    for shape in tables {
        let location = json!({ "Fn::Sub": format!("${{LakeLocation}}/{}/", shape.name) });
        let properties = json!({
            "CatalogId": { "Ref": "AWS::AccountId" },
            "DatabaseName": { "Ref": "Database" },
            "TableInput": input(shape, &location)?,
        });
        resources.insert(logical_id(&shape.name), json!({ "Type": "AWS::Glue::Table", "Properties": properties }));
    }
    Ok(pretty(&json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Tables of the Glue Data Catalog over the Delta tables of a lookback lake",
        "Parameters": {
            "DatabaseName": {
                "Type": "String", "Default": place.database(), "AllowedPattern": "[a-z0-9_]{1,128}",
                "Description": "Database that is made for the tables",
            },
            "LakeLocation": {
                "Type": "String", "Default": place.location(), "AllowedPattern": "s3://[a-z0-9.-]+(/.*[^/])?",
                "Description": "The lake, without a slash at its end",
            },
        },
        "Resources": resources,
    })))
}

/// The definition of a table: location, parameters by which readers know a Delta table, columns.
fn input(shape: &TableShape, location: &Value) -> Result<Value, QueryError> {
    let column = |field: &Field| -> Result<Value, QueryError> {
        let of_type = glue_type(field.data_type())
            .map_err(|e| QueryError::new(e.kind(), format!("{}.{}: {}", shape.name, field.name(), e.message())))?;
        Ok(json!({ "Name": field.name(), "Type": of_type }))
    };
    let columns = shape.columns.fields().iter().map(|field| column(field)).collect::<Result<Vec<_>, QueryError>>()?;
    let partition = shape.partition.iter().map(column).collect::<Result<Vec<_>, QueryError>>()?;
    let mut input = json!({
        "Name": shape.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": { "EXTERNAL": "TRUE", "table_type": "DELTA", "spark.sql.sources.provider": "delta" },
        "PartitionKeys": partition,
        "StorageDescriptor": {
            "Columns": columns,
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "Parameters": { "serialization.format": "1", "path": location },
            },
        },
    });
    if !shape.comment.is_empty() {
        let description: String = shape.comment.chars().take(LONGEST_DESCRIPTION).collect();
        input["Description"] = json!(description);
    }
    Ok(input)
}

/// CloudFormation takes letters and digits only; tables' names differ in more than their underscores.
fn logical_id(table: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    format!("Table{}", table.split('_').map(word).collect::<String>())
}

#[cfg(test)]
mod tests;
