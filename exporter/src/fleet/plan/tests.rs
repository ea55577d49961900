#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

fn names() -> Names {
    Names::below("p").unwrap()
}

fn parameters(connection: Option<&str>, user: Option<&str>, password: Option<&str>) -> Parameters {
    Parameters {
        connection: connection.map(SecretString::from),
        user: user.map(str::to_owned),
        password: password.map(SecretString::from),
    }
}

fn listed(section: &ClusterSettings, parameters: &Parameters) -> Result<Plan> {
    Plan::of("sales", section, Some((&names(), parameters)))
}

fn given(login: &Login) -> (&str, Option<&str>) {
    match login {
        Login::Given { user, password } => (user, password.as_ref().map(|p| p.expose_secret())),
        other => panic!("{other:?}"),
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[test]
fn parameters_alone_are_enough() {
    let plan = listed(&ClusterSettings::default(), &parameters(Some("h:5440/d"), Some("u"), Some("p"))).unwrap();
    assert_eq!((plan.host.as_deref(), plan.port, plan.database.as_deref()), (Some("h"), Some(5_440), Some("d")));
    assert_eq!(given(&plan.login), ("u", Some("p")));
    assert_eq!((plan.target.clone(), plan.tls.clone()), (Target::Cluster("sales".to_owned()), TlsMode::Verify));
    assert!(!plan.is_serverless());
}

#[test]
fn without_a_connection_the_cluster_is_looked_up_by_its_name() {
    for connection in [None, Some(""), Some(" ")] {
        let plan = listed(&ClusterSettings::default(), &parameters(connection, Some("u"), Some("p"))).unwrap();
        assert_eq!((plan.host, plan.port, plan.database), (None, None, None));
        assert_eq!(plan.target, Target::Cluster("sales".to_owned()));
    }
}

#[test]
fn what_the_section_says_wins_field_by_field() {
    let all = parameters(Some("h:5440/d"), Some("u"), Some("p"));
    let plan =
        listed(&ClusterSettings { user: text("mine"), database: text("db"), ..Default::default() }, &all).unwrap();
    assert_eq!((plan.host.as_deref(), plan.port, plan.database.as_deref()), (Some("h"), Some(5_440), Some("db")));
    assert_eq!(given(&plan.login), ("mine", Some("p")));
    let plan = listed(&ClusterSettings { port: Some(1), ..Default::default() }, &all).unwrap();
    assert_eq!((plan.host.as_deref(), plan.port), (Some("h"), Some(1)));
    let plan = listed(&ClusterSettings { password_env: text("X"), ..Default::default() }, &all).unwrap();
    assert!(matches!(plan.login, Login::Kept { user, at: Kept::Variable(v) } if user == "u" && v == "X"));
}

#[test]
fn a_host_of_the_section_does_not_get_the_port_of_another() {
    let section = ClusterSettings { host: text("tunnel"), ..Default::default() };
    let plan = listed(&section, &parameters(Some("h:5440/d"), Some("u"), Some("p"))).unwrap();
    assert_eq!((plan.host.as_deref(), plan.port, plan.database.as_deref()), (Some("tunnel"), None, Some("d")));
}

#[test]
fn what_is_missing_is_named_all_at_once() {
    let bare = ClusterSettings::default();
    let missing = |p: &Parameters| listed(&bare, p).unwrap_err().to_string();
    assert_eq!(
        missing(&parameters(Some("h"), Some("u"), None)),
        "cluster 'sales': the parameter p.sales.password cannot be found"
    );
    assert_eq!(
        missing(&parameters(Some("h"), None, Some("p"))),
        "cluster 'sales': the parameter p.sales.user cannot be found"
    );
    assert_eq!(
        missing(&parameters(None, None, None)),
        "cluster 'sales': the parameters p.sales.user and p.sales.password cannot be found"
    );
}

#[test]
fn another_way_to_log_in_makes_the_password_unnecessary() {
    let user = parameters(None, Some("u"), None);
    let with = |section: ClusterSettings| listed(&section, &user).unwrap().login;
    assert!(matches!(with(ClusterSettings { iam: true, ..Default::default() }), Login::Temporary { user: Some(_) }));
    assert!(matches!(with(ClusterSettings { secret: text("s"), ..Default::default() }), Login::Secret { .. }));
    assert!(matches!(
        with(ClusterSettings { password_parameter: text("x"), ..Default::default() }),
        Login::Kept { at: Kept::Parameter(_), .. }
    ));
    let none = parameters(None, None, None);
    assert!(listed(&ClusterSettings { iam: true, ..Default::default() }, &none).is_ok());
    assert!(listed(&ClusterSettings { secret: text("s"), ..Default::default() }, &none).is_ok());
    assert!(listed(&ClusterSettings { password_env: text("X"), ..Default::default() }, &none).is_err());
}

#[test]
fn a_section_alone_may_do_without_a_password() {
    let section = ClusterSettings { host: text("h"), user: text("u"), ..Default::default() };
    assert_eq!(given(&Plan::of("sales", &section, None).unwrap().login), ("u", None));
    let nobody = ClusterSettings { host: text("h"), ..Default::default() };
    assert!(Plan::of("sales", &nobody, None).unwrap_err().to_string().contains("user is missing"));
}

#[test]
fn serverless_is_known_by_workgroup_or_host() {
    let host = "etl.123456789012.eu-west-1.redshift-serverless.amazonaws.com:5439/dev";
    let plan = listed(&ClusterSettings::default(), &parameters(Some(host), Some("u"), Some("p"))).unwrap();
    assert_eq!(plan.target, Target::Workgroup("etl".to_owned()));
    assert!(plan.is_serverless());
    let section = ClusterSettings { workgroup: text("w"), iam: true, ..Default::default() };
    assert_eq!(Plan::of("sales", &section, None).unwrap().target, Target::Workgroup("w".to_owned()));
}

#[test]
fn contradictions_are_refused() {
    let base = || ClusterSettings { host: text("h"), user: text("u"), ..Default::default() };
    let role = text("arn:aws:iam::123456789012:role/x");
    for (section, says) in [
        (ClusterSettings { iam: true, secret: text("s"), ..base() }, "iam or secret"),
        (
            ClusterSettings { password_env: text("X"), password_file: Some("f".into()), ..base() },
            "password_env or password_file",
        ),
        (
            ClusterSettings { workgroup: text("w"), cluster_identifier: text("c"), ..base() },
            "cluster_identifier or workgroup",
        ),
        (ClusterSettings { workgroup: text("w"), iam: true, ..base() }, "user has no use"),
        (ClusterSettings { external_id: text("e"), ..base() }, "external_id has no use"),
        (ClusterSettings { assume_role: text("role/x"), ..base() }, "not the ARN"),
        (
            ClusterSettings { tls: TlsSetting::Plaintext, ca_file: Some("f".into()), assume_role: role, ..base() },
            "ca_file has no use",
        ),
    ] {
        let error = Plan::of("sales", &section, None).unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains(says), "{error}");
    }
    for name in ["", "a b", "../x", "a@2"] {
        assert!(Plan::of(name, &base(), None).unwrap_err().to_string().contains("cannot be used"), "{name}");
    }
}

#[test]
fn a_connection_that_is_wrong_is_named_and_not_repeated() {
    let error =
        listed(&ClusterSettings::default(), &parameters(Some("u:S3cret@h/d"), Some("u"), Some("S3cret"))).unwrap_err();
    assert!(error.to_string().contains("the parameter p.sales.connection: "), "{error}");
    assert!(!format!("{error:?}").contains("S3cret"), "{error:?}");
}

proptest! {
    #[test]
    fn no_text_of_a_parameter_breaks_a_plan_or_shows_in_its_error(connection in "[a-z:/@?;\\[\\] ]{0,10}S3cret[a-z:/@ ]{0,10}", user in "[a-z]{0,4}") {
        let parameters = parameters(Some(&connection), Some(&user), Some("p"));
        if let Err(error) = listed(&ClusterSettings::default(), &parameters) {
            let shown = format!("{error:?}");
            prop_assert!(!shown.contains("S3cret"), "{}", shown);
        }
    }
}
