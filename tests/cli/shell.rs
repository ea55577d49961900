//! The shell of `lookback sql`, at a terminal.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::{Place, Sim};
use crate::terminal::{CTRL_C, CTRL_D, Step, TAB, Terminal, UP, enter, expect, keys};

/// A statement that ends only if it is stopped.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 1000000000) AS b WHERE a.value + b.value < 0;";

/// An exported cluster with the queries 1 to 5.
async fn lake() -> (Place, Sim) {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    place.run(&["export"]).await.expect(0);
    (place, sim)
}

fn prompt() -> Step {
    expect("lookback> ")
}

/// Does these steps between the first prompt and Ctrl-D.
async fn shell(place: &Place, steps: Vec<Step>) -> String {
    let mut all = vec![prompt()];
    all.extend(steps);
    all.push(keys(CTRL_D));
    let seen = Terminal::new(place).with("PAGER", "cat").run(&["sql"], all).await;
    assert_eq!(seen.code, Some(0), "{}", seen.shown);
    seen.shown
}

#[tokio::test]
async fn statements_are_answered_at_a_prompt() {
    let (place, _sim) = lake().await;
    let shown = shell(
        &place,
        vec![
            enter("SELECT query, trim(querytxt) AS text FROM stl_query WHERE query < 3 ORDER BY 1;"),
            expect("     2 | select 2"),
            expect("(2 rows)"),
            expect("2 rows in "),
            expect("1 file"),
            prompt(),
            // Several at once, up to the first that fails.
            enter("SELECT 10 AS a; SELECT nothing FROM stl_query; SELECT 30 AS c;"),
            expect(" 10"),
            expect("lookback: column 'nothing' does not exist"),
            prompt(),
            enter("SELECT 'after' AS d;"),
            expect(" after"),
            prompt(),
        ],
    )
    .await;
    assert!(!shown.contains(" 30\n"), "{shown}");
    assert!(shown.contains("\\? lists commands"), "{shown}");
}

#[tokio::test]
async fn a_statement_spans_lines_until_its_semicolon() {
    let (place, _sim) = lake().await;
    shell(
        &place,
        vec![
            enter("SELECT ';' AS a, -- not ; here"),
            expect("      -> "),
            enter("  'it''s"),
            expect("      -> "),
            enter("open' AS b"),
            expect("      -> "),
            enter(";"),
            expect(" ; | it's open"),
            prompt(),
            // Given up with Ctrl-C.
            enter("SELECT 'never"),
            expect("      -> "),
            keys(CTRL_C),
            prompt(),
            enter("SELECT 'fresh' AS a;"),
            expect(" fresh"),
            prompt(),
        ],
    )
    .await;
}

#[tokio::test]
async fn tab_completes_what_the_lake_has() {
    let (place, _sim) = lake().await;
    shell(
        &place,
        vec![
            keys("SELECT max(query) AS newest FROM stl_quer"),
            keys(TAB),
            expect("stl_querytext"),
            // What all of them begin with is there already.
            keys(" WHERE abor"),
            keys(TAB),
            expect("aborted"),
            enter(" = 0;"),
            expect("      5"),
            prompt(),
            keys("\\diag slowes"),
            keys(TAB),
            expect("slowest_queries"),
            keys(CTRL_C),
            prompt(),
        ],
    )
    .await;
}

#[tokio::test]
async fn commands_describe_the_lake() {
    let (place, _sim) = lake().await;
    let shown = shell(
        &place,
        vec![
            enter("\\d"),
            expect("stl_query "),
            expect("more tables are empty in this lake"),
            prompt(),
            enter("\\d stl_query"),
            expect("type on a cluster"),
            expect("querytxt"),
            expect("varchar"),
            prompt(),
            enter("\\d stl_qurey"),
            expect("did you mean 'stl_query'"),
            prompt(),
            enter("\\dt"),
            expect("stl_scan"),
            prompt(),
            enter("\\diag"),
            expect("slowest_queries"),
            prompt(),
            enter("\\diag slowest_queries top=2"),
            expect("(2 rows)"),
            prompt(),
            enter("\\diag slowest_queries tpo=2"),
            expect("no parameter 'tpo'"),
            prompt(),
            enter("\\diagg"),
            expect("did you mean \\diag?"),
            prompt(),
            enter("\\?"),
            expect("Earlier statements are kept in"),
            prompt(),
        ],
    )
    .await;
    assert!(shown.contains("home/.local/state/lookback/history"), "{shown}");
}

#[tokio::test]
async fn settings_change_how_answers_come() {
    let (place, _sim) = lake().await;
    place.write("more.sql", "\\timing off\nSELECT 'from' || ' a file' AS line;\n-- a comment\nSELECT 'the ' || 'rest'");
    shell(
        &place,
        vec![
            enter("\\x"),
            expect("expanded is on"),
            prompt(),
            enter("SELECT 1 AS one, 'b' AS two;"),
            expect("-[ row 1 ]"),
            expect("one | 1"),
            expect("two | b"),
            prompt(),
            enter("\\x off"),
            prompt(),
            enter("\\format csv"),
            expect("format is csv"),
            prompt(),
            enter("SELECT 1 AS one, 'b' AS two;"),
            expect("one,two"),
            expect("1,b"),
            prompt(),
            enter("\\as-of 2026-01-31 08:00"),
            expect("getdate() is 2026-01-31 08:00:00 UTC"),
            prompt(),
            enter("SELECT getdate() AS now;"),
            expect("2026-01-31 08:00:00\n"),
            prompt(),
            enter("\\format parquet"),
            prompt(),
            enter("SELECT 1;"),
            expect("parquet is not readable on a terminal"),
            prompt(),
            enter("\\o out.parquet"),
            expect("answers go to out.parquet"),
            prompt(),
            enter("SELECT 1 AS one;"),
            expect("1 row in"),
            prompt(),
            enter("SELECT 2 AS two;"),
            expect("parquet holds one answer"),
            prompt(),
            enter("\\o"),
            expect("answers go to the screen"),
            prompt(),
            enter("\\format table"),
            expect("format is table"),
            prompt(),
            enter("\\i more.sql"),
            expect(" from a file"),
            expect(" the rest"),
            prompt(),
            enter("\\i missing.sql"),
            expect("reading missing.sql: No such file"),
            prompt(),
        ],
    )
    .await;
    let bytes = std::fs::read(place.path("out.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[tokio::test]
async fn what_is_typed_while_a_statement_runs_is_not_lost() {
    let (place, _sim) = lake().await;
    shell(
        &place,
        vec![
            // All of it at once, as a terminal hands over what was pasted or typed ahead.
            keys("SELECT 'the ' || 'first' AS a;\rSELECT 'the ' || 'second' AS b;\rSELECT 'the ' || 'third' AS c;\r"),
            expect(" the first"),
            expect(" the second"),
            expect(" the third"),
            prompt(),
        ],
    )
    .await;
}

#[tokio::test]
async fn ctrl_c_stops_the_statement_and_not_the_shell() {
    let (place, _sim) = lake().await;
    let steps = vec![
        prompt(),
        enter(ENDLESS),
        // Long enough for the line that says how it goes.
        expect("Ctrl-C cancels"),
        keys(CTRL_C),
        expect("lookback: cancelled after"),
        prompt(),
        enter("SELECT 'still ' || 'here' AS a;"),
        expect(" still here"),
        prompt(),
        // At the prompt it clears the line.
        keys("SELECT 'never"),
        keys(CTRL_C),
        prompt(),
        enter("\\q"),
    ];
    let seen = Terminal::new(&place).run(&["sql"], steps).await;
    assert_eq!(seen.code, Some(0), "{}", seen.shown);
    assert!(seen.took[4] < Duration::from_secs(10), "{:?}", seen.took);
}

#[tokio::test]
async fn long_answers_go_through_the_pager() {
    let (place, _sim) = lake().await;
    let steps = || {
        vec![
            prompt(),
            enter("SELECT value FROM generate_series(1, 100);"),
            expect("(100 rows)"),
            prompt(),
            enter("SELECT 7 AS short;"),
            expect("(1 row)"),
            prompt(),
            keys(CTRL_D),
        ]
    };
    let seen = Terminal::new(&place).with("PAGER", "sed 's/^/page:/'").run(&["sql"], steps()).await;
    assert!(seen.shown.contains("page:     1\n") && seen.shown.contains("page:(100 rows)"), "{}", seen.shown);
    assert!(seen.shown.contains("\n(1 row)"), "a short answer needs none: {}", seen.shown);
    // Whoever leaves the pager early has seen enough.
    let steps = vec![
        prompt(),
        enter("SELECT value FROM generate_series(1, 100000000);"),
        expect("line 3"),
        expect("rows in"),
        prompt(),
        keys(CTRL_D),
    ];
    let seen = Terminal::new(&place).with("PAGER", "sed -n 's/.* 1$/line 3/p;5q'").run(&["sql"], steps).await;
    assert_eq!(seen.code, Some(0), "{}", seen.shown);
}

#[tokio::test]
async fn the_last_statement_is_edited_and_repeated() {
    let (place, _sim) = lake().await;
    let steps = vec![
        prompt(),
        enter("\\watch"),
        expect("there is no statement to repeat yet"),
        prompt(),
        enter("SELECT 10 + 3 AS a;"),
        expect(" 13"),
        prompt(),
        enter("\\e"),
        // It stands at the prompt, and Enter runs it.
        expect("SELECT 70 + 3 AS a;"),
        keys("\r"),
        expect(" 73"),
        prompt(),
        enter("\\watch 0.1"),
        expect("UTC, again in 0.1 s"),
        expect(" 73"),
        expect("UTC, again in 0.1 s"),
        expect(" 73"),
        keys(CTRL_C),
        prompt(),
        keys(CTRL_D),
    ];
    let seen = Terminal::new(&place).with("EDITOR", "sed -i s/10/70/").run(&["sql"], steps).await;
    assert_eq!(seen.code, Some(0), "{}", seen.shown);
}

#[tokio::test]
async fn earlier_statements_are_kept_for_the_user_alone() {
    let (place, _sim) = lake().await;
    shell(&place, vec![enter("SELECT 'first' AS a,"), expect("-> "), enter("2 AS b;"), expect("(1 row)"), prompt()])
        .await;
    let history = place.path("home/.local/state/lookback/history");
    assert_eq!(std::fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);
    // Another shell finds it, and it is edited as a whole.
    let shown =
        shell(&place, vec![keys(UP), expect("2 AS b;"), keys("\r"), expect("first |"), expect("(1 row)"), prompt()])
            .await;
    assert!(shown.contains("SELECT 'first' AS a,"), "{shown}");
}

#[tokio::test]
async fn a_lake_that_is_not_there_is_said_before_the_first_prompt() {
    let place = Place::new();
    let seen = Terminal::new(&place).run(&["sql"], vec![expect("there is no folder 'lake'")]).await;
    assert_eq!(seen.code, Some(1));
    assert!(!seen.shown.contains("lookback> "), "{}", seen.shown);
}

#[tokio::test]
async fn a_statement_as_an_argument_needs_no_shell() {
    let (place, _sim) = lake().await;
    let seen = Terminal::new(&place).run(&["sql", "SELECT 1 AS one"], vec![expect("(1 row)")]).await;
    assert_eq!(seen.code, Some(0));
    assert!(!seen.shown.contains("lookback> "), "{}", seen.shown);
    // Ctrl-C ends it.
    let steps = vec![Step::Sleep(1.5), keys(CTRL_C), expect("cancelled after")];
    let seen = Terminal::new(&place).run(&["sql", ENDLESS], steps).await;
    assert_eq!(seen.code, Some(1), "{}", seen.shown);
    let steps = vec![expect("Ctrl-C cancels"), keys(CTRL_C), expect("cancelled after")];
    let seen = Terminal::new(&place).run(&["sql", "-o", "out.csv", ENDLESS], steps).await;
    assert_eq!(seen.code, Some(1), "{}", seen.shown);
    assert!(
        !place.exists("out.csv") && place.entries().iter().all(|name| !name.contains("part")),
        "{:?}",
        place.entries()
    );
}
