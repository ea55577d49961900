//! What `\d`, `\dt`, `\diag` and `\?` show.

use std::path::Path;

use lookback_query::diagnostics;
use lookback_query::session::{Column, Relation};
use lookback_schemas::names::OWN_PREFIX;
use lookback_schemas::{TableSpec, registry};

use super::command;
use crate::print::{bytes, count, render};

/// Tables and views with what they hold; `all` also shows tables without rows.
pub(crate) fn relations(relations: &[Relation], all: bool) -> String {
    let is_shown = |relation: &&Relation| all || relation.view || relation.contents.is_some();
    let rows: Vec<Vec<String>> = relations
        .iter()
        .filter(is_shown)
        .map(|relation| {
            let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), count);
            let contents = relation.contents;
            vec![
                relation.name.clone(),
                kind(relation).to_owned(),
                number(contents.and_then(|c| c.rows)),
                number(contents.map(|c| c.files)),
                contents.map_or_else(|| "-".to_owned(), |c| bytes(c.bytes)),
                registry().table(&relation.name).map(|spec| spec.purpose.clone()).unwrap_or_default(),
            ]
        })
        .collect();
    let mut text = render(&["name", "kind", "rows", "files", "size", "what a row says"], &rows);
    let hidden = relations.len() - rows.len();
    if hidden > 0 {
        text.push_str(&format!("\n{hidden} more tables are empty in this lake; \\dt shows them, too\n"));
    }
    text
}

fn kind(relation: &Relation) -> &'static str {
    match registry().table(&relation.name) {
        _ if relation.view => "view",
        Some(spec) if spec.parent.is_some() => "driven",
        Some(_) => "log",
        None if relation.name.starts_with(OWN_PREFIX) => "record",
        None => "table",
    }
}

/// The columns of one table or view.
pub(crate) fn columns(name: &str, columns: &[Column]) -> String {
    let spec = registry().table(name);
    let rows: Vec<Vec<String>> = columns
        .iter()
        .map(|column| {
            let documented = spec.and_then(|spec| spec.column(&column.name));
            let theirs = documented.map_or_else(|| "-".to_owned(), |column| column.redshift_type.clone());
            vec![column.name.clone(), column.data_type.clone(), theirs]
        })
        .collect();
    let about = spec.map_or_else(|| format!("{name}\n\n"), about);
    format!("{about}{}", render(&["column", "type", "type on a cluster"], &rows))
}

fn about(spec: &TableSpec) -> String {
    let time = match &spec.parent {
        Some(parent) if spec.cursor.is_none() => format!("{} (from {})", spec.time_column(), parent.table),
        _ => spec.time_column().to_owned(),
    };
    format!("{}: {}\ntime: {time}\n\n", spec.name, spec.purpose)
}

/// The ready questions.
pub(crate) fn questions() -> String {
    let rows: Vec<Vec<String>> = diagnostics::list()
        .iter()
        .map(|d| {
            let params = d.params.iter().map(|p| match p.default {
                Some(default) => format!("{}={default}", p.name),
                None => p.name.to_owned(),
            });
            vec![d.name.to_owned(), d.question.to_owned(), params.collect::<Vec<_>>().join(" ")]
        })
        .collect();
    render(&["name", "question", "parameters"], &rows)
}

/// The commands, the keys, and where the history is.
pub(crate) fn help(history: Option<&Path>) -> String {
    let mut text = "A statement ends with ; and may span lines. Commands:\n\n".to_owned();
    for known in command::ALL {
        let left = format!("{} {}", known.name, known.arguments);
        text.push_str(&format!("  {:<32}{}\n", left.trim_end(), known.help));
    }
    text.push_str(
        "\nTab completes, Up and Ctrl-R find earlier statements, Ctrl-C cancels the statement or clears the line, Ctrl-D ends.\n",
    );
    text.push_str(&match history {
        Some(path) => format!("Earlier statements are kept in {}\n", path.display()),
        None => "Earlier statements are not kept: there is no home folder\n".to_owned(),
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use lookback_query::session::Contents;

    fn relation(name: &str, view: bool, contents: Option<(u64, u64, u64)>) -> Relation {
        let contents = contents.map(|(rows, files, bytes)| Contents { rows: Some(rows), files, bytes });
        Relation { name: name.to_owned(), view, contents }
    }

    #[test]
    fn tables_are_listed_with_what_they_hold() {
        let all = [
            relation("lookback_export_runs", false, Some((12, 3, 4_096))),
            relation("slow", true, None),
            relation("stl_query", false, Some((1_234_567, 40, 3 << 20))),
            relation("stl_querytext", false, Some((9, 1, 100))),
            relation("stl_scan", false, None),
        ];
        insta::assert_snapshot!(relations(&all, false), @r"
        name                  kind         rows  files  size     what a row says
        --------------------  ------  ---------  -----  -------  ------------------------------------------------------------------------------------------------------------------------------
        lookback_export_runs  record         12      3  4.0 KiB
        slow                  view            -      -  -
        stl_query             log     1,234,567     40  3.0 MiB  one row per query run, on the main or a concurrency scaling cluster (no DDL, no utility commands), text cut at 4000 characters
        stl_querytext         driven          9      1  100 B    text of queries in 200-character pieces

        1 more tables are empty in this lake; \dt shows them, too
        ");
        assert!(relations(&all, true).contains("stl_scan"));
        assert!(!relations(&all, true).contains("more tables"));
    }

    #[test]
    fn a_table_is_shown_with_its_columns() {
        let column = |name: &str, data_type: &str| Column { name: name.to_owned(), data_type: data_type.to_owned() };
        insta::assert_snapshot!(columns("stl_query", &[column("query", "bigint"), column("cluster_id", "varchar")]), @r"
        stl_query: one row per query run, on the main or a concurrency scaling cluster (no DDL, no utility commands), text cut at 4000 characters
        time: endtime

        column      type     type on a cluster
        ----------  -------  -----------------
        query       bigint   integer
        cluster_id  varchar  -
        ");
        insta::assert_snapshot!(columns("slow", &[column("query", "bigint")]), @r"
        slow

        column  type    type on a cluster
        ------  ------  -----------------
        query   bigint                  -
        ");
    }

    #[test]
    fn the_help_names_everything() {
        insta::assert_snapshot!(help(Some(Path::new("/home/me/.local/state/lookback/history"))), @r"
        A statement ends with ; and may span lines. Commands:

          \d [NAME]                       tables that hold rows, and views; or the columns of one
          \dt                             all tables, also those that are empty in this lake
          \diag [NAME [KEY=VALUE ...]]    ready questions; or ask one
          \i FILE                         run the statements and commands of a file
          \e                              edit the last statement in $EDITOR
          \watch [SECONDS]                repeat the last statement, every 2 seconds if not said, until Ctrl-C
          \format [FORMAT]                how answers are written: table, expanded, csv, json, ndjson, parquet, arrow
          \x [on|off]                     a line for every column, for rows wider than the screen
          \o [FILE]                       write answers to a file; without one, to the screen again
          \as-of [TIME]                   the moment that getdate() answers, in UTC; without one, the present
          \timing [on|off]                a line after each answer: time, and what was read
          \pager [on|off]                 show answers longer than the screen with $PAGER
          \?                              this list
          \h                              this list
          \q                              end; so does Ctrl-D
          \quit                           end

        Tab completes, Up and Ctrl-R find earlier statements, Ctrl-C cancels the statement or clears the line, Ctrl-D ends.
        Earlier statements are kept in /home/me/.local/state/lookback/history
        ");
    }
}
