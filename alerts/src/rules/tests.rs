use proptest::prelude::*;

use super::*;

const DESTINATION: &str =
    "[destinations.hook]\ntype = \"webhook\"\nurl = { env = \"URL\" }\nsecret = { file = \"key\" }\n";

fn with(rule: &str) -> Result<Rules, String> {
    Rules::parse("alerts.toml", &format!("{DESTINATION}[[rule]]\nname = \"r\"\nto = [\"hook\"]\n{rule}"))
        .map_err(|e| e.to_string())
}

#[test]
fn a_file_says_what_it_says() {
    let rules = Rules::parse(
        "alerts.toml",
        r#"
exceptions = "accepted.toml"
resend_after = "10m"

[destinations.hook]
type = "webhook"
url = { ssm = "/lookback/url" }
secret = { env = "KEY" }
timeout = "3s"

[destinations.mail]
type = "sns"
topic_arn = "arn:aws:sns:eu-central-1:111122223333:alerts"

[destinations.hub]
type = "security_hub"
account_id = "111122223333"

[[rule]]
name = "keys"
checks = ["LB-KEY-*"]
severities = ["critical", "high"]
accounts = ["111122223333"]
unknown = true
to = ["hook", "hub"]

[[rule]]
name = "disk"
diagnostic = "disk_full"
params = { top = 500 }
entity = ["cluster_id", "node"]
threshold = { column = "temp_mb", at_least = 0.5 }
severity = "critical"
window = "1h"
for = "2 runs"
clusters = ["prod-*"]
baseline = true
to = ["mail"]
"#,
    )
    .unwrap();
    insta::assert_debug_snapshot!(rules);
    assert!(rules.need_aws());
    let keys = rules.rule("keys").unwrap();
    assert!(keys.asks("LB-KEY-01", Severity::High));
    assert!(!keys.asks("LB-KEY-01", Severity::Low) && !keys.asks("LB-ENC-01", Severity::High));
}

#[test]
fn a_rule_covers_what_it_names() {
    let rules = with("severities = [\"high\"]\nclusters = [\"prod-*\"]\naccounts = [\"111122223333\"]").unwrap();
    let entity = |account: &str, name: &str| Entity {
        id: "arn:x".to_owned(),
        account_id: account.to_owned(),
        name: name.to_owned(),
        ..Entity::default()
    };
    assert!(rules.rules[0].covers(&entity("111122223333", "prod-etl")));
    assert!(!rules.rules[0].covers(&entity("111122223333", "dev-etl")));
    assert!(!rules.rules[0].covers(&entity("999922223333", "prod-etl")));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (text, says) in [
        ("chekcs = [\"LB-ENC-01\"]", "line 8: unknown field `chekcs`"),
        ("", "line 5: rule 'r': it asks nothing"),
        ("checks = []", "an empty list asks nothing"),
        ("severities = [\"bad\"]", "'bad' is not a severity"),
        ("checks = [\"a\"]\ndiagnostic = \"b\"", "not both"),
        ("checks = [\"a\"]\nwindow = \"1h\"", "'window' belongs to a diagnostic"),
        ("diagnostic = \"b\"", "'entity' is missing"),
        ("diagnostic = \"b\"\nentity = [\"c\"]\nwindow = \"soon\"", "line 10: 'soon' is not a duration"),
        (
            "diagnostic = \"b\"\nentity = [\"c\"]\nthreshold = { column = \"x\", above = 1, below = 2 }",
            "'threshold' is",
        ),
        ("diagnostic = \"b\"\nentity = [\"c\"]\nthreshold = { column = \"x\", near = 1 }", "'threshold' is"),
        ("checks = [\"a\"]\nfor = \"2 hours\"", "a number of runs"),
        ("checks = [\"a\"]\nfor = \"0 runs\"", "a number of runs"),
        ("checks = [\"a\"]\naccounts = [\"me\"]", "'me' is not an account"),
        ("checks = [\"a\"]\nparams = { a = [1] }", "neither text nor number"),
        ("checks = [\"a\"]\n[[rule]]\nname = \"r\"\nto = [\"hook\"]\nchecks = [\"a\"]", "at line 5 already"),
        (
            "checks = [\"a\"]\n[[rule]]\nname = \"s\"\nto = [\"x\"]\nchecks = [\"a\"]",
            "line 9: rule 's': there is no destination 'x'",
        ),
        ("checks = [\"a\"]\n[[rule]]\nname = \"s\"\nto = []\nchecks = [\"a\"]", "at least one destination"),
        ("checks = [\"a\"]\n[[rule]]\nname = \"a b\"\nto = [\"hook\"]\nchecks = [\"a\"]", "the name of a rule"),
    ] {
        let error = with(text).unwrap_err();
        assert!(error.starts_with("alerts.toml, line ") && error.contains(says), "{text}: {error}");
    }
}

#[test]
fn destinations_are_checked_and_secrets_are_not_repeated() {
    let text = |lines: &str| format!("[destinations.x]\n{lines}\n");
    for (lines, says) in [
        ("type = \"pager\"", "'pager' is no type"),
        ("type = \"webhook\"", "'url' is missing"),
        ("type = \"webhook\"\nurl = { env = \"U\" }", "'secret' is missing"),
        ("type = \"webhook\"\nurl = \"https://h/hunter2\"\nsecret = { env = \"K\" }", "line 3: 'url' is secret"),
        ("type = \"webhook\"\nurl = { env = \"U\" }\nsecret = \"hunter2\"", "line 4: 'secret' is secret"),
        ("type = \"webhook\"\nurl = { vault = \"hunter2\" }", "'url' is not understood"),
        ("type = \"webhook\"\nurl = { env = \"U\", file = \"hunter2\" }", "'url' is not understood"),
        (
            "type = \"webhook\"\nurl = { env = \"U\" }\nsecret = { env = \"K\" }\ntimeout = \"2h\"",
            "not a duration up to 1m",
        ),
        ("type = \"webhook\"\ntopic_arn = \"x\"", "has no 'topic_arn'"),
        ("type = \"sns\"", "'topic_arn' is missing"),
        ("type = \"sns\"\ntopic_arn = \"arn:aws:sqs:eu-west-1:111122223333:x\"", "not the ARN of a topic"),
        ("type = \"sns\"\nregion = \"eu-west-1\"", "has no 'region'"),
        ("type = \"security_hub\"\naccount_id = \"1\"", "12 digits"),
        ("type = \"security_hub\"", "'account_id' is missing"),
        ("type = \"webhook\"\nurl = https://hunter2", "line 3"),
    ] {
        let error = Rules::parse("a", &text(lines)).unwrap_err().to_string();
        assert!(error.contains(says), "{lines}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_threshold_counts_numbers_only() {
    let bound = |bound| Threshold { column: "x".to_owned(), bound, value: 2.0 };
    let counted = |which| [1.0, 2.0, 3.0].map(|value| bound(which).counts(Some(value)));
    assert_eq!(counted(Bound::Above), [false, false, true]);
    assert_eq!(counted(Bound::AtLeast), [false, true, true]);
    assert_eq!(counted(Bound::Below), [true, false, false]);
    assert_eq!(counted(Bound::AtMost), [true, true, false]);
    assert!(!bound(Bound::Below).counts(None) && !bound(Bound::Below).counts(Some(f64::NAN)));
}

proptest! {
    #[test]
    fn no_text_breaks_the_reading(text in "(\\[\\[?[a-z.]{0,12}\\]?\\]|[a-z_]{1,9} = [\"{\\[]?[a-z0-9 =\"]{0,8}[\"}\\]]?|\n|.){0,12}") {
        let _ = Rules::parse("a", &text);
    }
}
