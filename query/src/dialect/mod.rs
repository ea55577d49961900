//! Redshift SQL on DataFusion, so that the scripts an administrator already has run over every cluster.
//!
//! A text is cut into statements, whose words are put right (`script.rs`), and each goes through four steps: [`understand`]
//! (PostgreSQL's grammar with Redshift's additions), [`policy`] (nothing but reading), [`rewrite`] (syntax that DataFusion
//! does not have becomes syntax that it has) and planning, where [`functions`] and [`aggregates`] are found and the rules of
//! [`meaning`] give expressions Redshift's meaning. What is rewritten is syntax only. To add a construct, add a file to one of
//! the folders and name it in its `mod.rs`.

pub mod aggregates;
mod depth;
mod elsewhere;
mod escapes;
pub mod functions;
mod joins;
pub mod meaning;
mod notice;
mod partial;
mod parts;
pub mod policy;
pub mod rewrite;
mod script;
mod settings;
mod time_patterns;
mod titles;

pub use notice::Notice;
pub use parts::DatePart;

use std::any::TypeId;
use std::collections::VecDeque;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use sqlparser::dialect::{Dialect, PostgreSqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, TokenWithSpan};
use sqlparser::{ast, dialect::Precedence, parser::ParserError};

use crate::error::QueryError;
use script::Content;

/// Longest text accepted, in bytes. Redshift's own limit for a statement is 16 MB.
pub const MAX_SQL_BYTES: usize = 16 * 1024 * 1024;

/// Depth of nesting at which the parser stops.
const RECURSION_LIMIT: usize = 64;

/// PostgreSQL's grammar, and what Redshift adds to it: `TOP` before `DISTINCT`, `SELECT * EXCLUDE`, `LAG(a IGNORE NULLS)`,
/// `CONVERT(type, value)`.
#[derive(Debug, Default)]
pub struct LookbackDialect(PostgreSqlDialect);

impl Dialect for LookbackDialect {
    // The parser asks for the dialect's identity in many places; everything that holds for PostgreSQL shall hold here.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn convert_type_before_value(&self) -> bool {
        true
    }

    fn supports_top_before_distinct(&self) -> bool {
        true
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    // From here on: what PostgreSQL's dialect says about expressions and queries.

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.0.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.0.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.0.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.0.is_identifier_part(ch)
    }

    fn supports_unicode_string_literal(&self) -> bool {
        self.0.supports_unicode_string_literal()
    }

    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        self.0.is_reserved_for_identifier(kw)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        self.0.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        self.0.get_next_precedence(parser)
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        self.0.supports_filter_during_aggregation()
    }

    fn supports_group_by_expr(&self) -> bool {
        self.0.supports_group_by_expr()
    }

    fn prec_value(&self, prec: Precedence) -> u8 {
        self.0.prec_value(prec)
    }

    fn allow_extract_custom(&self) -> bool {
        self.0.allow_extract_custom()
    }

    fn allow_extract_single_quotes(&self) -> bool {
        self.0.allow_extract_single_quotes()
    }

    fn supports_explain_with_utility_options(&self) -> bool {
        self.0.supports_explain_with_utility_options()
    }

    fn supports_factorial_operator(&self) -> bool {
        self.0.supports_factorial_operator()
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        self.0.supports_bitwise_shift_operators()
    }

    fn supports_named_fn_args_with_colon_operator(&self) -> bool {
        self.0.supports_named_fn_args_with_colon_operator()
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        self.0.supports_named_fn_args_with_expr_name()
    }

    fn supports_empty_projections(&self) -> bool {
        self.0.supports_empty_projections()
    }

    fn supports_nested_comments(&self) -> bool {
        self.0.supports_nested_comments()
    }

    fn supports_string_escape_constant(&self) -> bool {
        self.0.supports_string_escape_constant()
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        self.0.supports_numeric_literal_underscores()
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        self.0.supports_array_typedef_with_brackets()
    }

    fn supports_notnull_operator(&self) -> bool {
        self.0.supports_notnull_operator()
    }

    fn supports_interval_options(&self) -> bool {
        self.0.supports_interval_options()
    }

    fn supports_select_wildcard_with_alias(&self) -> bool {
        self.0.supports_select_wildcard_with_alias()
    }

    fn supports_comma_separated_trim(&self) -> bool {
        self.0.supports_comma_separated_trim()
    }

    fn supports_xml_expressions(&self) -> bool {
        self.0.supports_xml_expressions()
    }

    fn supports_comment_optimizer_hint(&self) -> bool {
        self.0.supports_comment_optimizer_hint()
    }
}

/// One statement of a text, parsed and allowed.
#[derive(Debug)]
pub struct Understood {
    /// The statement; `COMMIT` stands for all that have no effect.
    pub parsed: Statement,
    /// What the person who asks should know about it.
    pub notices: Vec<Notice>,
}

/// The statements of a text, each of them allowed and rewritten as far as that is possible without a lake.
///
/// # Errors
/// [`ErrorKind::Sql`](crate::ErrorKind::Sql) with the line and column if the text is not SQL, has no statement, or has
/// something that cannot be answered; [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly) if it would write.
pub fn understand(sql: &str) -> Result<Vec<Understood>, QueryError> {
    let mut understood = Vec::new();
    for piece in pieces(sql)? {
        let line = piece.start.line;
        match piece.content {
            Content::NoEffect(said) => {
                let nothing = ast::Statement::Commit { chain: false, end: false, modifier: None };
                let parsed = Statement::Statement(Box::new(nothing));
                understood.push(Understood { parsed, notices: vec![Notice::new(line, said)] });
            }
            Content::Sql { tokens, late } => {
                for mut parsed in parse_tokens(tokens)? {
                    if let Statement::Statement(inner) = &mut parsed
                        && let ast::Statement::CreateView(view) = inner.as_mut()
                    {
                        view.with_no_schema_binding = late;
                    }
                    policy::check(&parsed)?;
                    let mut notices = joins::notices(&parsed);
                    notices.extend(partial::notices(&parsed));
                    titles::give(&mut parsed);
                    rewrite::rewrite(&mut parsed).map_err(|e| e.at(piece.start))?;
                    understood.push(Understood { parsed, notices });
                }
            }
        }
    }
    Ok(understood)
}

/// The statements of a text, as they were written; those without effect are left out.
///
/// # Errors
/// [`ErrorKind::Sql`](crate::ErrorKind::Sql) with the line and column if the text is not SQL, or has no statement.
pub fn parse(sql: &str) -> Result<VecDeque<Statement>, QueryError> {
    let mut statements = VecDeque::new();
    for piece in pieces(sql)? {
        if let Content::Sql { tokens, .. } = piece.content {
            statements.extend(parse_tokens(tokens)?);
        }
    }
    Ok(statements)
}

fn pieces(sql: &str) -> Result<Vec<script::Piece>, QueryError> {
    if sql.len() > MAX_SQL_BYTES {
        return Err(QueryError::sql(format!("the text is longer than {} MB", MAX_SQL_BYTES / 1024 / 1024)));
    }
    let pieces = script::pieces(&LookbackDialect::default(), sql)?;
    if pieces.is_empty() {
        return Err(QueryError::sql("there is no statement to run"));
    }
    Ok(pieces)
}

fn parse_tokens(tokens: Vec<TokenWithSpan>) -> Result<VecDeque<Statement>, QueryError> {
    let dialect = LookbackDialect::default();
    let end = tokens.last().map_or(Location::empty(), |token| token.span.end);
    let mut parser =
        DFParserBuilder::new(tokens).with_dialect(&dialect).with_recursion_limit(RECURSION_LIMIT).build()?;
    // The parser has no place for what it misses at the end.
    parser.parse_statements().map_err(|e| QueryError::from(e).at(end))
}
