#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde_json::Value;

use super::{commands, glue_type, logical_id, pretty, table, template};
use crate::catalogs::{Place, TableShape, shape};

fn place() -> Place {
    Place::new("lookback", "s3://example/lake").unwrap()
}

#[test]
fn a_table_is_a_location_columns_and_what_says_delta() {
    let shape = TableShape {
        name: "stl_query".to_owned(),
        comment: "a query's run".to_owned(),
        columns: Arc::new(Schema::new(vec![
            Field::new("query", DataType::Int64, true),
            Field::new("starttime", DataType::Timestamp(TimeUnit::Microsecond, None), true),
            Field::new("share", DataType::Decimal128(38, 2), true),
        ])),
        partition: vec![Field::new("cluster_id", DataType::Utf8, true), Field::new("log_date", DataType::Date32, true)],
    };
    insta::assert_snapshot!(pretty(&table(&place(), &shape).unwrap()), @r#"
    {
      "DatabaseName": "lookback",
      "TableInput": {
        "Description": "a query's run",
        "Name": "stl_query",
        "Parameters": {
          "EXTERNAL": "TRUE",
          "spark.sql.sources.provider": "delta",
          "table_type": "DELTA"
        },
        "PartitionKeys": [
          {
            "Name": "cluster_id",
            "Type": "string"
          },
          {
            "Name": "log_date",
            "Type": "date"
          }
        ],
        "StorageDescriptor": {
          "Columns": [
            {
              "Name": "query",
              "Type": "bigint"
            },
            {
              "Name": "starttime",
              "Type": "timestamp"
            },
            {
              "Name": "share",
              "Type": "decimal(38,2)"
            }
          ],
          "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
          "Location": "s3://example/lake/stl_query/",
          "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
          "SerdeInfo": {
            "Parameters": {
              "path": "s3://example/lake/stl_query/",
              "serialization.format": "1"
            },
            "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
          }
        },
        "TableType": "EXTERNAL_TABLE"
      }
    }
    "#);
    // An apostrophe must not end the shell's word.
    assert!(commands(&place(), &[shape]).unwrap().contains(r"a query'\''s run"));
}

#[test]
fn every_column_that_a_lake_can_have_has_a_type() {
    let all = shape::declared();
    assert!(all.len() > 60, "{}", all.len());
    for shape in &all {
        for field in shape.columns.fields().iter().map(AsRef::as_ref).chain(&shape.partition) {
            let of_type = glue_type(field.data_type()).unwrap();
            assert!(!of_type.is_empty(), "{}.{}", shape.name, field.name());
        }
        let partition: Vec<&String> = shape.partition.iter().map(Field::name).collect();
        let own = shape.columns.fields().iter().filter(|field| partition.contains(&field.name()));
        assert_eq!(own.count(), 0, "{}: a partition column is no column of the files", shape.name);
        assert!(!shape.comment.is_empty(), "{}", shape.name);
    }
    assert!(glue_type(&DataType::Binary).is_err());
}

#[test]
fn the_template_has_every_table_under_a_name_of_its_own() {
    let all = shape::declared();
    let ids: HashSet<String> = all.iter().map(|shape| logical_id(&shape.name)).collect();
    assert_eq!(ids.len(), all.len());
    let template: Value = serde_json::from_str(&template(&place(), &all).unwrap()).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    assert_eq!(resources.len(), all.len() + 1);
    assert!(resources.keys().all(|id| id.chars().all(|c| c.is_ascii_alphanumeric())));
    assert_eq!(resources["TableStlQuery"]["Properties"]["DatabaseName"]["Ref"], "Database");
}
