use super::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 2, 3));

fn people(toml: &str) -> Result<People, ServerError> {
    let users: BTreeMap<String, UserSettings> = serde_json::from_str(toml).unwrap();
    People::new(&users, Clock::system())
}

#[test]
fn a_user_gets_in_by_password_or_token_with_its_role_and_nobody_else_does() {
    let (token, hash) = new_token().unwrap();
    let password: SecretString = "correct horse".to_owned().into();
    let verifier = hash_password("correct horse".to_owned()).unwrap();
    let people = people(&format!(
        r#"{{"ana": {{"role": "auditor", "password": "{verifier}"}}, "ci": {{"tokens": ["{hash}"]}}}}"#
    ))
    .unwrap();
    let ana = people.authenticate_password("ana", &password, AWAY).unwrap();
    assert_eq!((&*ana.user, ana.role, ana.from), ("ana", Role::Auditor, Some(AWAY)));
    let ci = people.authenticate_token(&token, AWAY).unwrap();
    assert_eq!((&*ci.user, ci.role), ("ci", Role::Viewer));
    for (user, wrong) in [("ana", "correct horse "), ("nobody", "correct horse"), ("ci", ""), ("ci", token.as_str())] {
        let wrong = wrong.to_owned().into();
        assert_eq!(people.authenticate_password(user, &wrong, AWAY), Err(LoginError::Wrong), "{user}");
    }
    for wrong in ["", "lookback_", &hash] {
        assert_eq!(people.authenticate_token(wrong, AWAY), Err(LoginError::Wrong), "{wrong}");
    }
    // Once there are users, nobody is let in for being here.
    assert_eq!(people.local(HERE, Door::Pg), None);
}

#[test]
fn without_users_this_machine_is_trusted_and_no_other() {
    let people = people("{}").unwrap();
    assert_eq!(people.local(HERE, Door::Page).map(|asker| asker.role), Some(Role::Admin));
    assert_eq!(people.local("::ffff:127.0.0.1".parse().unwrap(), Door::Pg).map(|asker| asker.role), Some(Role::Admin));
    assert_eq!(people.local(AWAY, Door::Page), None);
}

#[test]
fn a_name_that_does_not_exist_looks_like_one_that_does() {
    let verifier = hash_password("x".to_owned()).unwrap();
    let people = people(&format!(r#"{{"ana": {{"password": "{verifier}"}}}}"#)).unwrap();
    let (known, unknown) = (people.verifier("ana").to_text(), people.verifier("bob").to_text());
    assert_eq!(known.len(), unknown.len());
    assert_eq!(unknown, people.verifier("bob").to_text());
    assert_ne!(unknown, people.verifier("eve").to_text());
}

#[test]
fn guessing_ends_in_waiting_and_a_right_token_never_waits() {
    let (token, hash) = new_token().unwrap();
    let verifier = hash_password("x".to_owned()).unwrap();
    let people =
        people(&format!(r#"{{"ana": {{"password": "{verifier}"}}, "ci": {{"tokens": ["{hash}"]}}}}"#)).unwrap();
    for _ in 0..10 {
        assert_eq!(people.authenticate_token("guess", AWAY), Err(LoginError::Wrong));
    }
    assert!(matches!(people.authenticate_token("guess", AWAY), Err(LoginError::TooMany { .. })));
    // Somebody else behind the same address: with a token, and with a password.
    assert_eq!(people.authenticate_token(&token, AWAY).map(|asker| asker.user.to_string()), Ok("ci".to_owned()));
    assert_eq!(people.may_try(AWAY, Some("ana")), Ok(()));
    for _ in 0..10 {
        assert_eq!(people.failed(AWAY, Some("ana")), LoginError::Wrong);
    }
    // A right password would tell a guesser that it is right.
    assert!(matches!(
        people.authenticate_password("ana", &"x".to_owned().into(), AWAY),
        Err(LoginError::TooMany { .. })
    ));
    assert_eq!(people.may_try(HERE, Some("ana")), Ok(()));
    assert!(people.authenticate_token(&token, AWAY).is_ok());
}

#[test]
fn settings_that_let_nobody_in_are_errors_that_name_the_user_and_no_secret() {
    for (settings, why) in [
        (r#"{"ana": {}}"#, "neither a password nor a token"),
        (r#"{"ana": {"password": "hunter2"}}"#, "is not a SCRAM-SHA-256 verifier"),
        (r#"{"ana": {"tokens": ["hunter2"]}}"#, "is not a SHA-256"),
        (r#"{"": {"tokens": []}}"#, "a name has"),
    ] {
        let error = people(settings).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
    }
}
