//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side, over stored verifiers.
//!
//! A verifier is what PostgreSQL keeps of a password, in its format: whoever reads it cannot log in with it, and the password never
//! reaches the server. An [`Exchange`] belongs to one log-in of one connection. Channel binding is not offered, so a client that
//! asks for it is refused rather than served without.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use pgwire::api::auth::sasl::scram::gen_salted_password;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The one mechanism that is offered.
pub const MECHANISM: &str = "SCRAM-SHA-256";
/// Rounds of a new verifier; the client has to do them at every log-in.
pub const ITERATIONS: u32 = 16_384;
/// Rounds that a verifier may have: fewer are too few (RFC 7677), more would hold up whoever checks a password.
const POSSIBLE_ITERATIONS: std::ops::RangeInclusive<u32> = 4_096..=1_000_000;
/// Bytes of salt of a new verifier, as PostgreSQL has it.
pub const SALT_BYTES: usize = 16;

/// Longest message of a client, in bytes.
const MAX_MESSAGE: usize = 4_096;

type Key = [u8; 32];

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Key,
    server_key: Key,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl Verifier {
    /// The verifier of a password. Takes some milliseconds.
    #[must_use]
    pub fn new(password: &SecretString, salt: &[u8], iterations: u32) -> Self {
        let rounds = iterations.clamp(*POSSIBLE_ITERATIONS.start(), *POSSIBLE_ITERATIONS.end());
        let salted = gen_salted_password(password.expose_secret(), salt, rounds as usize);
        let client_key = hmac(&salted, b"Client Key");
        Self {
            iterations: rounds,
            salt: salt.to_vec(),
            stored_key: Sha256::digest(client_key).into(),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// A verifier that no password meets, and that looks like others: nobody shall learn which users there are.
    pub(super) fn of_nobody(salt: Vec<u8>, iterations: u32, key: Key) -> Self {
        Self { iterations, salt, stored_key: key, server_key: key }
    }

    /// Whether it is the verifier of the password. Takes some milliseconds.
    #[must_use]
    pub fn matches(&self, password: &SecretString) -> bool {
        let other = Self::new(password, &self.salt, self.iterations);
        same(&other.stored_key, &self.stored_key)
    }

    /// How many rounds a log-in takes.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// The text that goes into the configuration, as PostgreSQL writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (salt, stored) = (BASE64.encode(&self.salt), BASE64.encode(self.stored_key));
        format!("{MECHANISM}${}:{salt}${stored}:{}", self.iterations, BASE64.encode(self.server_key))
    }
}

impl FromStr for Verifier {
    type Err = &'static str;

    /// Reads what [`Verifier::to_text`] writes, or PostgreSQL has in `pg_authid.rolpassword`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "is not a SCRAM-SHA-256 verifier; `lookback serve --hash-password` prints one";
        let rest = text.strip_prefix("SCRAM-SHA-256$").ok_or(wrong)?;
        let (how, keys) = rest.split_once('$').ok_or(wrong)?;
        let (iterations, salt) = how.split_once(':').ok_or(wrong)?;
        let (stored, server) = keys.split_once(':').ok_or(wrong)?;
        let key = |text: &str| BASE64.decode(text).ok().and_then(|bytes| Key::try_from(bytes).ok()).ok_or(wrong);
        let iterations: u32 = iterations.parse().map_err(|_| wrong)?;
        if !POSSIBLE_ITERATIONS.contains(&iterations) {
            return Err("is a verifier with too few or too many rounds; 4096 to 1000000 are possible");
        }
        let salt = BASE64.decode(salt).ok().filter(|salt| (8..=64).contains(&salt.len())).ok_or(wrong)?;
        Ok(Self { iterations, salt, stored_key: key(stored)?, server_key: key(server)? })
    }
}

/// Why a log-in fails. What is wrong about a password is never said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// The client does not keep to the protocol.
    #[error("malformed SCRAM message: {0}")]
    Malformed(&'static str),
    /// The proof is not that of the password.
    #[error("the proof does not match")]
    WrongProof,
}

/// One log-in, between the client's two messages.
#[derive(Debug)]
pub struct Exchange {
    verifier: Verifier,
    binding: String,
    nonce: String,
    client_first: String,
    server_first: String,
}

impl Exchange {
    /// Answers the client's first message. `nonce` is the server's part of the nonce: fresh, and not to be guessed.
    ///
    /// # Errors
    /// [`ScramError::Malformed`].
    pub fn begin(verifier: Verifier, message: &[u8], nonce: &str) -> Result<(Self, String), ScramError> {
        let message = text(message)?;
        let mut parts = message.splitn(3, ',');
        let (flag, identity) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let bare = parts.next().ok_or(ScramError::Malformed("it ends early"))?;
        if flag != "n" && flag != "y" {
            return Err(ScramError::Malformed("channel binding is not offered"));
        }
        if !identity.is_empty() {
            return Err(ScramError::Malformed("an authorization identity is not possible"));
        }
        let mut fields = bare.split(',');
        // The name is that of the start-up message; drivers leave this one empty.
        if !fields.next().is_some_and(|field| field.starts_with("n=")) {
            return Err(ScramError::Malformed("the name is missing"));
        }
        let theirs = fields.next().and_then(|field| field.strip_prefix("r="));
        let theirs = theirs.filter(|nonce| !nonce.is_empty() && nonce.bytes().all(|b| b.is_ascii_graphic()));
        let nonce = format!("{}{nonce}", theirs.ok_or(ScramError::Malformed("the nonce is missing"))?);
        let server_first = format!("r={nonce},s={},i={}", BASE64.encode(&verifier.salt), verifier.iterations);
        let exchange = Self {
            verifier,
            binding: BASE64.encode(format!("{flag},,").as_bytes()),
            nonce,
            client_first: bare.to_owned(),
            server_first: server_first.clone(),
        };
        Ok((exchange, server_first))
    }

    /// Checks the client's proof; the answer proves to the client that the server knows the verifier.
    ///
    /// # Errors
    /// [`ScramError::WrongProof`] if the password is wrong.
    pub fn finish(self, message: &[u8]) -> Result<String, ScramError> {
        let message = text(message)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(ScramError::Malformed("the proof is missing"))?;
        let mut fields = without_proof.split(',');
        if fields.next().and_then(|field| field.strip_prefix("c=")) != Some(self.binding.as_str()) {
            return Err(ScramError::Malformed("the channel binding differs"));
        }
        if fields.next().and_then(|field| field.strip_prefix("r=")) != Some(self.nonce.as_str()) {
            return Err(ScramError::Malformed("the nonce differs"));
        }
        // The whole text: bytes after a valid proof are no valid proof.
        let proof = BASE64.decode(proof).ok().and_then(|bytes| Key::try_from(bytes).ok());
        let mut client_key = proof.ok_or(ScramError::Malformed("the proof has the wrong length"))?;
        let transcript = format!("{},{},{without_proof}", self.client_first, self.server_first);
        let signature = hmac(&self.verifier.stored_key, transcript.as_bytes());
        for (byte, mask) in client_key.iter_mut().zip(signature) {
            *byte ^= mask;
        }
        if !same(&Sha256::digest(client_key).into(), &self.verifier.stored_key) {
            return Err(ScramError::WrongProof);
        }
        Ok(format!("v={}", BASE64.encode(hmac(&self.verifier.server_key, transcript.as_bytes()))))
    }
}

fn text(message: &[u8]) -> Result<&str, ScramError> {
    if message.len() > MAX_MESSAGE {
        return Err(ScramError::Malformed("it is too long"));
    }
    std::str::from_utf8(message).map_err(|_| ScramError::Malformed("it is not UTF-8"))
}

pub(super) fn hmac(key: &[u8], message: &[u8]) -> Key {
    // HMAC takes a key of any length; the other arm cannot be reached.
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().into()
        }
        Err(_) => Sha256::digest(message).into(),
    }
}

/// Takes as long wherever they differ.
fn same(one: &Key, other: &Key) -> bool {
    one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of RFC 7677, section 3: user "user", password "pencil".
    const CLIENT_FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                                p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn verifier() -> Verifier {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        Verifier::new(&"pencil".to_owned().into(), &salt, 4096)
    }

    #[test]
    fn is_that_of_the_rfc() {
        let (exchange, first) = Exchange::begin(verifier(), CLIENT_FIRST, SERVER_NONCE).unwrap();
        assert_eq!(first, format!("r=rOprNGfwEbeRWgbNEkqO{SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
        assert_eq!(exchange.finish(CLIENT_FINAL.as_bytes()).unwrap(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn anything_but_the_proof_is_refused() {
        let finish = |message: &str| {
            Exchange::begin(verifier(), CLIENT_FIRST, SERVER_NONCE).unwrap().0.finish(message.as_bytes()).unwrap_err()
        };
        let changed = CLIENT_FINAL.replace("p=dH", "p=dI");
        assert_eq!(finish(&changed), ScramError::WrongProof);
        for malformed in [
            format!("{CLIENT_FINAL}AAAA"),
            format!("{CLIENT_FINAL},x=1"),
            CLIENT_FINAL.replace("c=biws", "c=eSws"),
            CLIENT_FINAL.replace("hNlF", "hNlG"),
            CLIENT_FINAL.replace(",p=", ",q="),
            String::new(),
        ] {
            assert!(matches!(finish(&malformed), ScramError::Malformed(_)), "{malformed}");
        }
        for first in
            ["p=tls-server-end-point,,n=u,r=a", "n,a=admin,n=u,r=a", "n,,r=a", "n,,n=u,r=", "n,,", "", "n,,m=x,n=u,r=a"]
        {
            assert!(Exchange::begin(verifier(), first.as_bytes(), "x").is_err(), "{first}");
        }
    }

    #[test]
    fn a_verifier_is_read_as_it_is_written_and_shows_nothing() {
        let verifier = verifier();
        let text = verifier.to_text();
        assert!(text.starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"), "{text}");
        assert_eq!(text.parse::<Verifier>().unwrap(), verifier);
        assert!(verifier.matches(&"pencil".to_owned().into()));
        assert!(!verifier.matches(&"pencil ".to_owned().into()));
        assert_eq!(format!("{verifier:?}"), "Verifier { iterations: 4096, .. }");
        for wrong in ["pencil", "md5abc", "SCRAM-SHA-256$1:AAAAAAAAAAA=$x:y", &text[..text.len() - 1]] {
            assert!(wrong.parse::<Verifier>().is_err(), "{wrong}");
        }
    }
}
