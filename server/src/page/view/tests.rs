#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use axum::extract::Query;
use axum::http::Uri;
use proptest::prelude::*;

use super::*;

fn read(url: &str) -> (View, Vec<String>) {
    let uri: Uri = url.parse().unwrap();
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap();
    View::read(&pairs)
}

#[test]
fn a_url_says_what_is_looked_at() {
    let (view, wrong) =
        read("/x?from=now-7d&to=2026-01-31&cluster=etl&cluster=adhoc%402&as_of=2026-02-01T10:00&refresh=10&other=1");
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(view.from, Some(When::Before(7 * DAY)));
    assert_eq!(view.to, Some(When::At(1_769_817_600_000_000)));
    assert_eq!(view.clusters, ["etl", "adhoc@2"]);
    assert_eq!(
        view.href("/queries", &[("q", "a b&c"), ("cluster", "etl")]),
        "/queries?from=now-1w&to=2026-01-31T00:00:00Z&as_of=2026-02-01T10:00:00Z&refresh=10&q=a%20b%26c&cluster=etl"
    );
    assert_eq!(View::default().href("/", &[]), "/");
}

#[test]
fn what_does_not_fit_is_said_and_left_out() {
    for url in [
        "/?from=yesterday",
        "/?to=now-5y",
        "/?from=now-999999999999w",
        "/?cluster=a%20b",
        "/?cluster=%3Cscript%3E",
        "/?cluster=etl%40x",
        "/?as_of=now",
        "/?refresh=1",
    ] {
        let (view, wrong) = read(url);
        assert_eq!((view, wrong.len()), (View::default(), 1), "{url}");
    }
    let many = (0..300).map(|n| ("cluster".to_owned(), format!("c{n}"))).collect::<Vec<_>>();
    assert_eq!(View::read(&many).0.clusters.len(), 200);
}

#[test]
fn the_window_is_never_empty_and_stands_still_for_a_minute() {
    let clock = 1_000 * DAY + 7 * MINUTE + 1;
    let window = View::default().window(clock, DAY);
    assert_eq!((window.to, window.length()), (1_000 * DAY + 8 * MINUTE, DAY));
    assert_eq!(View::default().window(clock + MINUTE - 2, DAY), window);
    let (view, _) = read("/?from=2026-02-01&to=2026-01-01");
    assert_eq!(view.window(clock, DAY).length(), DAY);
    let (view, _) = read("/?from=now-2h&as_of=2026-01-31");
    assert_eq!(view.window(clock, DAY), Window { from: 1_769_817_600_000_000 - 2 * HOUR, to: 1_769_817_600_000_000 });
    let whole = Window { from: 90 * MINUTE, to: 3 * HOUR + 1 }.whole(HOUR);
    assert_eq!(whole, Window { from: HOUR, to: 4 * HOUR });
    assert_eq!(whole.whole(HOUR), whole);
}

fn when() -> impl Strategy<Value = When> {
    let before = (0..10_000_i64, prop::sample::select(vec![MINUTE, HOUR, DAY, 7 * DAY]));
    prop_oneof![before.prop_map(|(n, unit)| When::Before(n * unit)), (0..4_000_000_000_000_000_i64).prop_map(When::At)]
}

proptest! {
    /// Whatever a view says, its URL says the same.
    #[test]
    fn a_view_comes_back_from_its_url(
        from in prop::option::of(when()),
        to in prop::option::of(when()),
        clusters in prop::collection::btree_set("[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}(@[1-9])?", 0..4),
        as_of in prop::option::of(0..4_000_000_000_000_000_i64),
        refresh in prop::option::of(prop::sample::select(RATES.to_vec())),
        sql in "\\PC{0,40}",
    ) {
        let view = View { from, to, clusters: clusters.into_iter().collect(), as_of, refresh };
        let url = view.href("/console", &[("sql", &sql)]);
        let uri: Uri = url.parse().unwrap();
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap();
        let back = pairs.iter().find(|(name, _)| name == "sql").map(|(_, value)| value.as_str());
        prop_assert_eq!(back.unwrap_or_default(), sql);
        prop_assert_eq!(View::read(&pairs), (view, Vec::new()));
    }

    #[test]
    fn no_text_breaks_a_window(from in "\\PC{0,24}", to in "\\PC{0,24}", clock in 0..4_000_000_000_000_000_i64) {
        let (view, _) = View::read(&[("from".to_owned(), from), ("to".to_owned(), to)]);
        prop_assert!(view.window(clock, DAY).length() > 0);
    }
}
