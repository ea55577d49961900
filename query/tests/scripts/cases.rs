//! Every file of the folder `cases` is one statement, written as administrators write theirs, and what must come of it:
//!
//! ```sql
//! -- asks: what somebody wants to know
//! SELECT ...
//! -- = a row of the answer, as CSV; one line for each
//! -- refused: a part of the message, where there can be no answer
//! ```
//!
//! The statements are our own. They have the joins, functions and idioms of scripts that are in use: in AWS's Database
//! Developer Guide, in what AWS publishes for administrators, in exporters of metrics; `from` says which.

use std::path::Path;

use lookback_query::diagnostics::parse_time;
use lookback_query::{Format, QueryError, Session};

use crate::{fleet, support};

struct Case {
    name: String,
    sql: String,
    rows: Vec<String>,
    refused: Option<String>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| case(file)).collect()
}

fn case(file: &Path) -> Case {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    assert!(text.starts_with("-- asks: ") && text.contains("\n-- from: "), "{name} does not say what it asks");
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("-- ="))
        .map(|row| row.strip_prefix(" ").unwrap_or(row).to_owned())
        .collect();
    let refused = text.lines().find_map(|line| line.strip_prefix("-- refused: ")).map(str::to_owned);
    Case { name, sql: text, rows, refused }
}

async fn session(lake: &support::TestLake) -> Session {
    lake.session().await.with_as_of(Some(parse_time(fleet::NOW).unwrap()))
}

/// What the last statement of a text answers, after all before it ran.
async fn answer(session: &Session, sql: &str) -> Result<String, QueryError> {
    let statements = session.prepare(sql)?;
    let (last, before) = statements.split_last().unwrap();
    for statement in before {
        session.run(statement).await?.collect().await?;
    }
    let mut bytes = Vec::new();
    lookback_query::write(session.run(last).await?.into_stream(), Format::Csv, &mut bytes).await?;
    let text = String::from_utf8(bytes).unwrap();
    Ok(text.split_once('\n').map_or("", |(_, rows)| rows).trim_end().to_owned())
}

#[tokio::test]
async fn every_case_has_its_answer() {
    let lake = fleet::lake().await;
    let session = session(&lake).await;
    let mut wrong = Vec::new();
    let all = cases();
    for case in &all {
        let outcome = match (answer(&session, &case.sql).await, &case.refused) {
            (Ok(found), None) if found.lines().eq(case.rows.iter().map(String::as_str)) => continue,
            (Err(error), Some(part)) if error.to_string().contains(part.as_str()) => continue,
            (Ok(found), None) => format!("answered\n{found}\ninstead of\n{}", case.rows.join("\n")),
            (Ok(found), Some(part)) => format!("answered\n{found}\ninstead of refusing with '{part}'"),
            (Err(error), _) => format!("refused: {error}"),
        };
        wrong.push(format!("{}: {outcome}", case.name));
    }
    assert!(all.len() > 40, "{} cases", all.len());
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), all.len(), wrong.join("\n\n"));
}

#[tokio::test]
async fn every_case_can_be_printed_and_read_again() {
    let lake = fleet::lake().await;
    let session = session(&lake).await;
    for case in cases().iter().filter(|case| case.refused.is_none()) {
        let statements = session.prepare(&case.sql).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let printed: Vec<String> = statements.iter().map(ToString::to_string).collect();
        let printed = printed.join(";\n");
        let found = answer(&session, &printed).await.unwrap_or_else(|e| panic!("{}: {printed}: {e}", case.name));
        assert_eq!(found, case.rows.join("\n"), "{}: {printed}", case.name);
    }
}
