#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use sqlparser::ast::{ObjectName, Statement, visit_relations};
use sqlparser::dialect::{GenericDialect, HiveDialect};
use sqlparser::parser::Parser;

use super::{VIEWS, ddl};
use crate::catalogs::{Place, TableShape, shape};

fn place() -> Place {
    Place::new("logs", "s3://example/lake/").unwrap()
}

fn only(names: &[&str]) -> Vec<TableShape> {
    shape::declared().into_iter().filter(|shape| names.contains(&shape.name.as_str())).collect()
}

#[test]
fn statements_for_a_lake_with_one_table() {
    insta::assert_snapshot!(ddl(&place(), &only(&["stl_connection_log"])));
}

#[test]
fn every_statement_is_one_that_a_parser_takes() {
    let tables = shape::declared();
    let text = ddl(&place(), &tables);
    let (definitions, views) = text.split_once("\nCREATE OR REPLACE VIEW").unwrap();
    let definitions = Parser::parse_sql(&HiveDialect {}, definitions).unwrap();
    assert_eq!(definitions.len(), tables.len() + 1);
    for (statement, shape) in definitions[1..].iter().zip(&tables) {
        let Statement::CreateTable(create) = statement else { unreachable!("{statement}") };
        assert!(create.external && create.columns.is_empty(), "{statement}");
        assert_eq!(create.name.to_string(), format!("`logs`.`{}`", shape.name));
    }
    let views = Parser::parse_sql(&GenericDialect {}, &format!("CREATE OR REPLACE VIEW{views}")).unwrap();
    assert_eq!(views.len(), VIEWS.len());
}

#[test]
fn a_view_is_there_if_its_tables_are_and_reads_no_others() {
    for view in VIEWS {
        let text = ddl(&place(), &only(view.tables));
        assert!(text.contains(&format!("VIEW \"logs\".\"{}\"", view.name)), "{}", view.name);
        let parsed = Parser::parse_sql(&GenericDialect {}, &view.sql(&place())).unwrap();
        let mut read = Vec::new();
        let _ = visit_relations(&parsed, |relation: &ObjectName| {
            read.extend(relation.to_string().strip_prefix("\"logs\".").map(|name| name.trim_matches('"').to_owned()));
            std::ops::ControlFlow::<()>::Continue(())
        });
        read.sort();
        read.dedup();
        assert_eq!(read, view.tables, "{}", view.name);
    }
    assert!(!ddl(&place(), &only(&["stl_query"])).contains("VIEW"));
}
