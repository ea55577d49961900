//! Who asks: a token or a password in `Authorization`, a session in a cookie, or, without users, whoever is on this machine.

use std::net::IpAddr;
use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::SecretString;

use super::origin::{self, By};
use super::problem::{Code, Problem};
use super::{Api, tickets};
use crate::people::{Asker, Door, LoginError, People};

/// Longest token or password; what is longer is none of ours, and not worth hashing.
const MOST_SECRET: usize = 1_024;

/// Who asks, and what lets them in besides what they have sent on purpose.
pub(super) async fn find(api: &Api, headers: &HeaderMap, from: IpAddr) -> Result<Option<(Asker, Option<By>)>, Problem> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let shown = value.to_str().ok().and_then(Shown::parse);
        let shown = shown.ok_or_else(|| {
            Problem::new(Code::Unauthenticated, "the header Authorization is neither Bearer nor Basic")
                .hint("send Authorization: Bearer TOKEN, or user and password by Basic")
        })?;
        let asker = check(api.desk().people().clone(), shown, from, Door::Http, api).await?;
        return Ok(Some((asker, None)));
    }
    if let Some(asker) = tickets::sent(headers, api.tls()).and_then(|id| api.tickets().find(id, Instant::now())) {
        return Ok(Some((Asker { door: Door::Page, from: Some(from), ..asker }, Some(By::Cookie))));
    }
    let door = if origin::is_from_browser(headers) { Door::Page } else { Door::Http };
    Ok(api.desk().people().local(from, door).map(|asker| (asker, Some(By::Place))))
}

/// What somebody shows to get in.
pub(super) enum Shown {
    Token(SecretString),
    Password(String, SecretString),
}

impl Shown {
    /// The value of `Authorization`.
    fn parse(value: &str) -> Option<Self> {
        let (scheme, shown) = value.trim().split_once(' ')?;
        let shown = shown.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Self::token(shown.to_owned());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(BASE64.decode(shown).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Self::password(user.to_owned(), password.to_owned())
    }

    pub(super) fn token(token: String) -> Option<Self> {
        (token.len() <= MOST_SECRET).then(|| Self::Token(token.into()))
    }

    pub(super) fn password(user: String, password: String) -> Option<Self> {
        (user.len() <= MOST_SECRET && password.len() <= MOST_SECRET).then(|| Self::Password(user, password.into()))
    }
}

/// Whose it is. A password takes some milliseconds to check, on a thread where that is nobody's time.
pub(super) async fn check(people: People, shown: Shown, from: IpAddr, door: Door, api: &Api) -> Result<Asker, Problem> {
    let checked = match shown {
        Shown::Token(token) => people.authenticate_token(secrecy::ExposeSecret::expose_secret(&token), from),
        Shown::Password(user, password) => {
            let checked = tokio::task::spawn_blocking(move || people.authenticate_password(&user, &password, from));
            checked.await.map_err(|_| Problem::new(Code::Internal, "the password could not be checked"))?
        }
    };
    // A token comes with every request: what it would count is requests.
    let is_login = door == Door::Page;
    match checked {
        Ok(asker) => {
            if is_login {
                api.desk().metrics().login(door, true);
            }
            Ok(Asker { door, ..asker })
        }
        Err(error) => {
            if error == LoginError::Wrong {
                api.desk().metrics().login(door, false);
            }
            Err(error.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn what_is_shown() {
        let shown = |value: &str| match Shown::parse(value) {
            Some(Shown::Token(token)) => format!("token {}", token.expose_secret()),
            Some(Shown::Password(user, password)) => format!("{user} {}", password.expose_secret()),
            None => "nothing".to_owned(),
        };
        for (value, want) in [
            ("Bearer abc", "token abc"),
            ("bearer   abc", "token abc"),
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin open sesame"),
            // A password may have a colon in it, a name none.
            ("BASIC YTpiOmM=", "a b:c"),
            ("Basic YTo=", "a "),
            ("Basic YQ==", "nothing"),
            ("Basic ?", "nothing"),
            ("Basic /w==", "nothing"),
            ("Digest x", "nothing"),
            ("Bearer", "nothing"),
        ] {
            assert_eq!(shown(value), want, "{value}");
        }
        assert_eq!(shown(&format!("Bearer {}", "x".repeat(2_000))), "nothing");
    }
}
