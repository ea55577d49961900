//! `lookback diagnose`

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use lookback_query::diagnostics::{self, Diagnostic, ParamType};
use lookback_query::output::{Format, write};
use lookback_query::session::Session;

use super::sql::{emit, open};
use crate::cli::{Diagnose, Global};
use crate::failure::Failure;
use crate::print;
use crate::report::{Form, Report};

pub(crate) async fn run(global: &Global, arguments: &Diagnose) -> Result<u8, Failure> {
    let format: Format = arguments.format.parse().map_err(|e| Failure::usage(format!("{e}")))?;
    let given = parameters(&arguments.params)?;
    let form = arguments.output.as_deref().and_then(Form::of);
    if arguments.all {
        if let (Some(path), None) = (&arguments.output, form) {
            let message = format!("'{}' does not say which form the report has", path.display());
            return Err(Failure::usage(message).advise("end the name in .md or .html"));
        }
        let all: Vec<&Diagnostic> = diagnostics::list().iter().collect();
        return report(global, arguments, &all, &given, form.unwrap_or(Form::Markdown)).await;
    }
    let Some(name) = &arguments.name else { return list() };
    let question = diagnostics::get(name).map_err(|e| Failure::usage(e.to_string()))?;
    if arguments.describe {
        return describe(question);
    }
    if let Some(form) = form {
        return report(global, arguments, &[question], &given, form).await;
    }
    let session = open(global, arguments.as_of.as_deref(), &arguments.limits).await?;
    answer(&session, question, &given, format, arguments.output.as_deref()).await
}

pub(super) fn parameters(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let split = |param: &String| {
        let (key, value) = param
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("'{param}' is not a parameter")).advise("write it as name=value"))?;
        Ok((key.to_owned(), value.to_owned()))
    };
    given.iter().map(split).collect()
}

/// One question; its title and what to do are for people, so they stand around a table only.
async fn answer(
    session: &Session,
    question: &Diagnostic,
    given: &BTreeMap<String, String>,
    format: Format,
    output: Option<&Path>,
) -> Result<u8, Failure> {
    let answer = diagnostics::run(session, question.name, given).await?;
    if let Some(path) = output {
        let file = File::create(path).map_err(|e| unwritten(path, &e))?;
        emit(answer, format, file).await?;
        return Ok(0);
    }
    if format != Format::Table {
        emit(answer, format, std::io::stdout()).await?;
        return Ok(0);
    }
    print::line(format!("{}: {}\n", question.title, question.question))?;
    let written = write(answer.into_stream(), format, std::io::stdout()).await?;
    if written.rows() > 0 {
        print::line("\nWhat to do:")?;
        print_advice(question)?;
    }
    Ok(0)
}

fn print_advice(question: &Diagnostic) -> Result<(), Failure> {
    question.advice.iter().try_for_each(|advice| print::line(format!("- {advice}")))
}

/// Asks several questions, writes what they say, and fails at the end if one of them did.
async fn report(
    global: &Global,
    arguments: &Diagnose,
    asked: &[&'static Diagnostic],
    given: &BTreeMap<String, String>,
    form: Form,
) -> Result<u8, Failure> {
    let session = open(global, arguments.as_of.as_deref(), &arguments.limits).await?;
    let as_of = arguments.as_of.as_deref().map(diagnostics::parse_time).transpose()?;
    let moment = as_of.unwrap_or_else(|| chrono::Utc::now().timestamp_micros());
    let report = Report::ask(&session, moment, asked, given).await?;
    let text = report.write(form)?;
    match &arguments.output {
        Some(path) => std::fs::write(path, text).map_err(|e| unwritten(path, &e))?,
        None => print::line(text.trim_end())?,
    }
    report.failure().map_or(Ok(0), Err)
}

fn unwritten(path: &Path, e: &std::io::Error) -> Failure {
    Failure::failed(format!("writing {}: {e}", path.display()))
}

fn list() -> Result<u8, Failure> {
    let all = diagnostics::list();
    let width = all.iter().map(|question| question.name.len()).max().unwrap_or(0);
    let mut group = None;
    for question in all {
        if group.replace(question.group) != Some(question.group) {
            print::line(format!("{}:", question.group.title()))?;
        }
        print::line(format!("  {:<width$}  {}", question.name, question.title))?;
    }
    print::line(
        "\nlookback diagnose NAME asks one, --describe NAME says what it takes and answers, --all asks all of them.",
    )?;
    Ok(0)
}

fn describe(question: &Diagnostic) -> Result<u8, Failure> {
    print::line(format!("{}: {}\n{}\n", question.name, question.title, question.question))?;
    print::line(format!("Group: {}. Rows mean: {}.\n", question.group.title(), question.severity.name()))?;
    let params = question.params.iter().map(|param| {
        let value = match param.default {
            Some(default) => default.to_owned(),
            None if param.required => "required".to_owned(),
            None => String::new(),
        };
        let form = match param.param_type {
            ParamType::Timestamp => "time",
            ParamType::Int => "number",
            ParamType::Text => "text",
        };
        vec![param.name.to_owned(), form.to_owned(), value, param.description.to_owned()]
    });
    print::table(&["parameter", "value", "default", "meaning"], &params.collect::<Vec<_>>())?;
    let columns = question.columns.iter();
    let columns =
        columns.map(|column| vec![column.name.to_owned(), column.unit.to_string(), column.meaning.to_owned()]);
    print::line("")?;
    print::table(&["column", "unit", "meaning"], &columns.collect::<Vec<_>>())?;
    print::line("\nWhat to do:")?;
    print_advice(question)?;
    Ok(0)
}
