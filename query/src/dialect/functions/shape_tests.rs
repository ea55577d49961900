#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails shall say where")]

use proptest::prelude::*;

use super::shape::shape;

#[test]
fn constants_become_places() {
    for (statement, want) in [
        ("SELECT 1", "select ?"),
        ("select  'it''s',\n\t1.5e-3 , .5, -2 FROM T", "select ?, ?, ?, ? from t"),
        ("SELECT E'a\\'b', x'ff', n'é', $1, $$body 'x'$$, $f$a$$b$f$", "select ?, ?, ?, ?, ?, ?"),
        ("SELECT 'C:\\\\', a", "select ?, a"),
        ("SELECT a - 1, a -1, (a) - 1, -1, 2 * -3, a[1] - 1", "select a - ?, a - ?, (a) - ?, ?, ? * ?, a[?] - ?"),
        ("WHERE x BETWEEN -1 AND +5 OR y > - - 7", "where x between ? and ? or y > ?"),
        ("SELECT tmp_20260101.c1 FROM #Temp1", "select tmp_20260101.c1 from #temp1"),
        ("WHERE d = DATE '2026-01-01' AND t > '2026-01-01'::timestamp", "where d = date ? and t > ?::timestamp"),
    ] {
        assert_eq!(shape(statement), want, "{statement}");
    }
}

#[test]
fn lists_and_rows_have_one_length() {
    for (statement, want) in [
        ("WHERE a IN (1,2, 3) AND b NOT IN ('x')", "where a in (?) and b not in (?)"),
        ("WHERE a IN (1, 2, b, 3)", "where a in (?, ?, b, ?)"),
        ("WHERE a IN (SELECT 1, 2)", "where a in (select ?, ?)"),
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)", "insert into t values (?, ?), (?, null)"),
        ("INSERT INTO t VALUES (1, getdate()), (2, getdate())", "insert into t values (?, getdate())"),
        ("SELECT f(1, 2), count (*)", "select f(?, ?), count(*)"),
    ] {
        assert_eq!(shape(statement), want, "{statement}");
    }
}

#[test]
fn case_counts_in_double_quotes_only() {
    assert_eq!(shape("SELECT \"Größe\", Größe FROM \"My \"\"T\"\"\""), "select \"Größe\", größe from \"My \"\"T\"\"\"");
    assert_ne!(shape("SELECT \"A\""), shape("SELECT \"a\""));
}

#[test]
fn comments_and_semicolons_go() {
    for statement in [
        "select a from t",
        "/* job 17 */ SELECT a -- the column\nFROM t;",
        "--x\nselect/* a /* b */ c */a from t ; ;",
        "select a -- x\\nfrom t",
        "select\\n\\ta\\r\\nfrom t",
        "select a from t /* never ends",
    ] {
        assert_eq!(shape(statement), "select a from t", "{statement}");
    }
}

#[test]
fn a_statement_that_was_cut_has_the_beginning_of_its_shape() {
    assert_eq!(shape("select a from t where b in (1, 2, 3, 4"), "select a from t where b in (?");
    assert_eq!(shape("select a from t where b in (1, 2, "), "select a from t where b in (?");
    assert_eq!(shape("select a from t where b = 'x and no e"), "select a from t where b = ?");
    assert_eq!(shape("insert into t values (1, 2), (3, 4), (5"), "insert into t values (?, ?)");
    assert_eq!(shape("select \"never clo"), "select \"never clo\"");
}

/// Pieces of SQL in any order, with and without blanks between them.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "select", "FROM", "in", "values", "(", ")", ",", ".", ":", "::", "=", "<", ">", "-", "+", "--", "/*", "*/",
        "*", "/", "'", "\"", "\\", "\\n", "$", "$$", "$1", "#", "?", ";", "[", "]", "|", "1", "2.5", ".5", "1e3", "e",
        "x", "é", "²", "İ", "a$b", "_x", " ", "\n", "!", "null",
    ]);
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_shape_of_a_shape_is_itself(statement in pieces()) {
        let once = shape(&statement);
        prop_assert_eq!(shape(&once), once);
    }

    #[test]
    fn any_text_has_a_shape_without_constants(statement in any::<String>()) {
        let once = shape(&statement);
        prop_assert_eq!(shape(&once), once.clone());
        prop_assert!(once.contains('"') || !once.contains('\''), "{}", once);
    }

    #[test]
    fn other_constants_spacing_and_case_are_the_same_query(
        number in any::<i32>(), text in "[a-z '\n%-]{0,20}", list in prop::collection::vec(any::<u16>(), 1..20), blank in "[ \t\n]{1,5}",
    ) {
        let list = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let text = text.replace('\'', "''");
        let statement = format!(
            "SELECT{blank}c1{blank}FROM t WHERE a = {number}{blank}AND B='{text}' and c IN({list}) -- {text}"
        ).replace("\n--", "--");
        let want = "select c1 from t where a = ? and b = ? and c in (?)";
        prop_assert_eq!(shape(statement.split(" -- ").next().unwrap_or_default()).as_str(), want);
    }

    #[test]
    fn other_names_are_other_queries(one in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        prop_assume!(one != other);
        let of = |name: &str| shape(&format!("select {name}_ from t"));
        prop_assert_ne!(of(&one), of(&other));
    }
}
