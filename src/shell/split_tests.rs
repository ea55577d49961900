#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use lookback_query::dialect::parse;
use proptest::prelude::*;

use super::*;

#[test]
fn statements_end_at_their_semicolons() {
    let text = "SELECT 1; select ';' ;\n\n;-- no; comment\nSELECT 2";
    let cut = split(text);
    assert_eq!(cut.statements, ["SELECT 1", "select ';'"]);
    assert_eq!(cut.rest, "-- no; comment\nSELECT 2");
    assert_eq!(cut.end, End::Statement);
}

#[test]
fn what_looks_like_an_end_and_is_none() {
    for text in [
        "select ';'",
        "select 'it''s; here'",
        "select \"a;\"\"b\"",
        "select 1 -- ; and a quote '\n",
        "select 1 /* ; /* ; */ ' */",
        "select $$ ; ' $$",
        "select $x$ ; $$ ; $x$",
        "select e'\\'; '",
        "select E'a\\\\'",
        "select 'a\\'",
        "select '\u{e4};\u{1f600}'",
    ] {
        let ended = format!("{text};");
        assert_eq!(split(&ended).statements, [text.trim()], "{text}");
        assert_eq!(split(&ended).end, End::Blank, "{text}");
        assert_eq!(split(text), Split { statements: vec![], rest: text, end: End::Statement }, "{text}");
    }
}

#[test]
fn what_is_not_closed_goes_on() {
    for text in ["select '", "select 'a;''", "\"a", "/* ; */ /* /* */", "$$ ; $", "$a$ ; $b$", "e'\\'", "select e'a;"] {
        assert_eq!(split(text).end, End::Quoted, "{text}");
        assert_eq!(split(text).statements, [""; 0], "{text}");
    }
}

#[test]
fn blanks_and_comments_are_no_statement() {
    for text in ["", "  \n", ";", ";;", "-- a", "/* a */ -- b\n;", "-- a ' ;"] {
        assert_eq!(split(text).end, End::Blank, "{text}");
        assert_eq!(split(text).statements, [""; 0], "{text}");
    }
}

#[test]
fn quotes_within_names_and_dollars_without_a_pair() {
    // `e` is a prefix only where it is the whole name, and `$` belongs to a name that it stands in.
    assert_eq!(split("select type'\\'; select 2;").statements.len(), 2);
    assert_eq!(split("select a$$b; select 2;").statements, ["select a$$b", "select 2"]);
    assert_eq!(split("select $1; select $2;").statements, ["select $1", "select $2"]);
}

/// What the parser takes for one token or a comment.
fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        "[0-9]{1,3}",
        Just("+".to_owned()),
        "[;'\"$a-z /*-]{0,8}".prop_map(|s| format!("'{}'", s.replace('\'', "''"))),
        "[;'$a-z /*-]{1,8}".prop_map(|s| format!("\"{s}\"")),
        "[;'\"a-z /*-]{0,8}".prop_map(|s| format!("$${s}$$")),
        "[;'\"$a-z /*-]{0,8}"
            .prop_map(|s| format!("$q${}$q$", s.replace("$q$", "")))
            .prop_filter("its own end", |s| { s.matches("$q$").count() == 2 && !s.ends_with("$$q$") }),
        "[;'\"a-z /*-]{0,8}".prop_map(|s| format!("E'{}'", s.replace('\'', "\\'"))),
        "[;'\"$a-z ]{0,8}".prop_map(|s| format!("/*{s}*/")),
        "[;'\"$a-z ]{0,4}".prop_map(|s| format!("/*{s}/*;*/{s}*/")),
        "[;'\"$a-z /*-]{0,8}".prop_map(|s| format!("--{s}\n")),
    ]
}

proptest! {
    /// Nothing is lost and nothing is merged: every statement comes back as it was, in order.
    #[test]
    fn statements_come_back(made in proptest::collection::vec(proptest::collection::vec(token(), 1..8), 1..5)) {
        let statements: Vec<String> = made.iter().map(|tokens| format!("select {}", tokens.join(" "))).collect();
        let text = statements.iter().map(|s| format!("{s};")).collect::<Vec<_>>().join("\n");
        let cut = split(&text);
        let want: Vec<&str> = statements.iter().map(|s| s.trim()).collect();
        prop_assert_eq!(cut.statements, want);
        prop_assert_eq!(cut.end, End::Blank);
        prop_assert_eq!(cut.rest, "");
    }

    /// Where a text is cut short, what is complete stays complete.
    #[test]
    fn a_longer_text_has_the_same_beginning(text in "[a-zE$;'\"/* \\\\\n-]{0,60}", more in "[a-z;' ]{0,10}") {
        let cut = split(&text);
        let whole = format!("{text}{more}");
        prop_assert!(split(&whole).statements.starts_with(&cut.statements));
        // The pieces cover the text.
        let ends = text.len() - cut.rest.len();
        prop_assert!(ends == 0 || text[..ends].ends_with(';'));
    }

    /// The parser and the splitter agree about how many statements there are.
    #[test]
    fn the_parser_agrees(texts in proptest::collection::vec("[;'a-z /*$\"-]{0,12}", 1..4), names in "[a-z;' ]{1,6}") {
        let literal = |s: &String| format!("select '{}' as \"{names}\" -- ;'\n", s.replace('\'', "''"));
        let text = texts.iter().map(literal).collect::<Vec<_>>().join(";");
        let whole = format!("{text};");
        prop_assert_eq!(split(&whole).statements.len(), parse(&text).unwrap().len());
    }
}
