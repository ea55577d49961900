//! Who may ask: users with their roles, how they prove who they are, and what happens to those who guess.
//!
//! Without users there is nobody to prove anything to: then everybody on this machine is `local`, an [`Role::Admin`], and the
//! server listens nowhere else. Passwords are kept as SCRAM verifiers, tokens as SHA-256. No error says whether a name exists.

pub mod scram;
mod throttle;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::desk::Clock;
use crate::error::ServerError;
use crate::settings::UserSettings;
use scram::{ITERATIONS, SALT_BYTES, Verifier};
use throttle::Throttle;

/// Bytes of a token that are random.
const TOKEN_BYTES: usize = 32;
/// What every token begins with, so that people and scanners know one when they see it.
const TOKEN_PREFIX: &str = "lookback_";
/// Longest name of a user, as in PostgreSQL.
const NAME_BYTES: usize = 63;
/// Name of everybody on this machine while there are no users.
pub const LOCAL: &str = "local";
/// Name of the server itself, where it asks before anybody does. No user's.
pub const SERVER: &str = "(server)";

/// What somebody may see. Each may see what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Log tables, diagnostics, coverage.
    #[default]
    Viewer,
    /// The record of encryption, audits, and who asked what.
    Auditor,
    /// The server itself.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        })
    }
}

/// Where a question came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    /// PostgreSQL's wire protocol.
    Pg,
    /// The API.
    Http,
    /// The page.
    Page,
}

impl Door {
    /// Its name, as in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pg => "pg",
            Self::Http => "http",
            Self::Page => "page",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The name.
    pub user: Arc<str>,
    /// What the user may see.
    pub role: Role,
    /// Where the question came in.
    pub door: Door,
    /// The address that it came from.
    pub from: Option<IpAddr>,
}

/// Why somebody does not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Name, password or token are wrong; which, is nobody's business.
    #[error("wrong user, password or token")]
    Wrong,
    /// There were too many wrong ones from there.
    #[error("too many log-ins failed; try again in {} s", .retry_after.as_secs().max(1))]
    TooMany {
        /// When another attempt is heard.
        retry_after: Duration,
    },
}

#[derive(Debug)]
struct User {
    name: Arc<str>,
    role: Role,
    verifier: Option<Verifier>,
}

/// Everybody who may ask. Cheap to clone.
#[derive(Clone)]
pub struct People(Arc<Inner>);

struct Inner {
    users: BTreeMap<String, User>,
    // By the SHA-256 of the token.
    tokens: HashMap<[u8; 32], String>,
    // Makes the salts of names that do not exist: the same at every attempt, and of this process only.
    secret: [u8; 32],
    iterations: u32,
    throttle: Throttle,
    clock: Clock,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("People").field("users", &self.0.users.len()).finish_non_exhaustive()
    }
}

impl People {
    /// The users of the settings.
    ///
    /// # Errors
    /// [`ServerError::Settings`] that names the user and says what is wrong.
    pub fn new(users: &BTreeMap<String, UserSettings>, clock: Clock) -> Result<Self, ServerError> {
        let mut known = BTreeMap::new();
        let mut tokens = HashMap::new();
        for (name, settings) in users {
            let wrong = |why: &str| ServerError::Settings(format!("user '{name}': {why}"));
            if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
                return Err(wrong("a name has 1 to 63 bytes, and no control characters"));
            }
            if name == SERVER {
                return Err(wrong("that is the name in which the server itself asks"));
            }
            let verifier = settings.password.as_ref().map(|text| text.expose_secret().parse::<Verifier>());
            let verifier = verifier.transpose().map_err(|why| wrong(&format!("the password {why}")))?;
            if verifier.is_none() && settings.tokens.is_empty() {
                return Err(wrong("neither a password nor a token; add one, or remove the user"));
            }
            for token in &settings.tokens {
                let hash = unhex(token.expose_secret())
                    .ok_or_else(|| wrong("a token is not a SHA-256; `lookback serve --new-token` prints one"))?;
                if tokens.insert(hash, name.clone()).is_some() {
                    return Err(wrong("a token is there twice"));
                }
            }
            let user = User { name: name.as_str().into(), role: settings.role, verifier };
            known.insert(name.clone(), user);
        }
        let iterations =
            known.values().find_map(|user| Some(user.verifier.as_ref()?.iterations())).unwrap_or(ITERATIONS);
        let secret = random()?;
        Ok(Self(Arc::new(Inner { users: known, tokens, secret, iterations, throttle: Throttle::default(), clock })))
    }

    /// Whether there are no users, so that everybody on this machine may ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.users.is_empty()
    }

    /// The names of all users; that of everybody if there are none.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        if self.is_empty() { vec![LOCAL.to_owned()] } else { self.0.users.keys().cloned().collect() }
    }

    /// Everybody on this machine, if there are no users and the question came from here.
    #[must_use]
    pub fn local(&self, from: IpAddr, door: Door) -> Option<Asker> {
        let here = self.is_empty() && from.to_canonical().is_loopback();
        here.then(|| Asker { user: LOCAL.into(), role: Role::Admin, door, from: Some(from) })
    }

    /// Who has the token. One that is right is let in however often others from there were wrong: it cannot be guessed, so that
    /// there is nothing to slow down, and behind one address can be many. Of those that are wrong, only some a minute are logged.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn authenticate_token(&self, token: &str, from: IpAddr) -> Result<Asker, LoginError> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        // A map by hash tells nothing: who can find near hashes has no need to.
        match self.0.tokens.get(&hash).and_then(|name| self.0.users.get(name)) {
            Some(user) => Ok(user.asks(Door::Http, from)),
            None => {
                self.may_try(from, None)?;
                Err(self.failed(from, None))
            }
        }
    }

    /// The user with that password. Takes some milliseconds.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn authenticate_password(
        &self,
        user: &str,
        password: &SecretString,
        from: IpAddr,
    ) -> Result<Asker, LoginError> {
        self.may_try(from, Some(user))?;
        // Of a name that does not exist as well, so that both take as long.
        let right = self.verifier(user).matches(password);
        match self.0.users.get(user).filter(|_| right) {
            Some(user) => Ok(user.asks(Door::Http, from)),
            None => Err(self.failed(from, Some(user))),
        }
    }

    /// What a log-in by SCRAM is checked with. For a name that does not exist, or has no password, it is one that nothing meets.
    #[must_use]
    pub fn verifier(&self, user: &str) -> Verifier {
        if let Some(verifier) = self.0.users.get(user).and_then(|user| user.verifier.clone()) {
            return verifier;
        }
        let salt = scram::hmac(&self.0.secret, format!("salt {user}").as_bytes());
        let key = scram::hmac(&self.0.secret, format!("key {user}").as_bytes());
        Verifier::of_nobody(salt.into_iter().take(SALT_BYTES).collect(), self.0.iterations, key)
    }

    /// The user who has just proved to be that by SCRAM.
    ///
    /// # Errors
    /// [`LoginError::Wrong`] if there is no such user.
    pub fn proven(&self, user: &str, from: IpAddr) -> Result<Asker, LoginError> {
        self.0.users.get(user).map(|user| user.asks(Door::Pg, from)).ok_or(LoginError::Wrong)
    }

    /// Whether a log-in from there is heard at all: by password if there is a name, or else by a token that is not right.
    ///
    /// # Errors
    /// [`LoginError::TooMany`].
    pub fn may_try(&self, from: IpAddr, user: Option<&str>) -> Result<(), LoginError> {
        match self.0.throttle.wait(from, user, self.0.clock.now()) {
            Some(retry_after) => Err(LoginError::TooMany { retry_after }),
            None => Ok(()),
        }
    }

    /// Counts a log-in that failed.
    pub fn failed(&self, from: IpAddr, user: Option<&str>) -> LoginError {
        tracing::warn!(target: "lookback::logins", %from, user = user.unwrap_or("(token)"), "a log-in failed");
        self.0.throttle.failed(from, user, self.0.clock.now());
        LoginError::Wrong
    }
}

impl User {
    fn asks(&self, door: Door, from: IpAddr) -> Asker {
        Asker { user: Arc::clone(&self.name), role: self.role, door, from: Some(from) }
    }
}

/// A new token, and its SHA-256 for the configuration.
///
/// # Errors
/// If the operating system gives no random bytes.
pub fn new_token() -> Result<(String, String), ServerError> {
    let token = format!("{TOKEN_PREFIX}{}", hex(&random::<TOKEN_BYTES>()?));
    let hash = hex(&Sha256::digest(token.as_bytes()));
    Ok((token, hash))
}

/// The verifier of a new password, for the configuration.
///
/// # Errors
/// If the password is empty, or the operating system gives no random bytes.
pub fn hash_password(password: String) -> Result<String, ServerError> {
    if password.is_empty() {
        return Err(ServerError::Settings("an empty password lets nobody in; type one, and Enter".to_owned()));
    }
    Ok(Verifier::new(&password.into(), &random::<SALT_BYTES>()?, ITERATIONS).to_text())
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], ServerError> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|e| ServerError::Settings(format!("no random numbers: {e}")))?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
