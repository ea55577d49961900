//! What can go wrong with a request, and for which requests it does.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::http::Message;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// It is not forwarded and answered with an error. An empty body becomes the document that the service would send.
    Answer { status: u16, code: &'static str, body: String },
    /// It is not forwarded; the connection closes.
    RefuseBefore,
    /// It takes effect; the connection closes without an answer.
    LoseAnswer,
    /// It takes effect; the answer is this error instead.
    ErrorAfter { status: u16 },
    /// It takes effect; the connection closes after so many bytes of the answer's body.
    CutBody { after_bytes: usize },
    /// It takes effect; the answer's body comes in chunks of so many bytes with a pause before each.
    SlowBody { chunk_bytes: usize, delay: Duration },
    /// It is not forwarded and never answered, while the connection stays open.
    Stall,
}

impl Fault {
    /// A refusal as AWS words it.
    pub(crate) fn answer(status: u16, code: &'static str) -> Self {
        Self::Answer { status, code, body: String::new() }
    }

    /// Too many requests to S3.
    pub(crate) fn slow_down() -> Self {
        Self::answer(503, "SlowDown")
    }
}

/// When to stop relative to a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    Before,
    After,
}

/// A request that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// From 0, in the order in which requests were complete.
    pub(crate) number: u64,
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// Service that it is signed for: `s3`, `dynamodb`, `kms`, `ssm`, `secretsmanager`, `redshift`, `redshift-serverless`, `sts`.
    pub(crate) service: String,
    /// Operation, such as `PutObject` or `UpdateItem`.
    pub(crate) operation: String,
    /// All of `x-amz-*` except session tokens, and the conditions, by names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// Length in bytes without the framing of chunks.
    pub(crate) body_bytes: u64,
    /// What the client was answered; `None` as long as it was not, or if it never was.
    pub(crate) status: Option<u16>,
}

impl Request {
    pub(super) fn new(number: u64, message: &Message) -> Self {
        let (method, path) = (message.word(0).to_owned(), message.word(1).to_owned());
        let service =
            message.header("authorization").and_then(|value| value.split('/').nth(3)).unwrap_or_default().to_owned();
        let operation = match message.header("x-amz-target") {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None => form_action(message).unwrap_or_else(|| s3_operation(&method, &path).to_owned()),
        };
        let headers = message
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .filter(|(name, _)| {
                name.starts_with("x-amz-") || matches!(&**name, "if-match" | "if-none-match" | "range" | "host")
            })
            .filter(|(name, _)| name != "x-amz-security-token")
            .collect();
        let body_bytes = message.body.len() as u64;
        Self { number, method, path, service, operation, headers, body_bytes, status: None }
    }

    /// A header's value; the name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The key of the object, if it is one of S3's and not the bucket's.
    pub(crate) fn object_key(&self) -> Option<&str> {
        let path = self.path.split('?').next().unwrap_or_default();
        path.trim_start_matches('/').split_once('/').map(|(_, key)| key).filter(|key| !key.is_empty())
    }

    /// Whether it changes what is stored. The JSON services POST everything, so there the operation's name decides.
    pub(crate) fn is_mutation(&self) -> bool {
        if matches!(&*self.service, "" | "s3") {
            return matches!(&*self.method, "PUT" | "POST" | "DELETE");
        }
        let reading = ["Get", "BatchGet", "Describe", "List", "Query", "Scan", "Decrypt", "Generate", "Assume"];
        !reading.iter().any(|prefix| self.operation.starts_with(prefix))
    }
}

/// Operation of a service that takes forms.
fn form_action(message: &Message) -> Option<String> {
    message.header("content-type").filter(|kind| kind.starts_with("application/x-www-form-urlencoded"))?;
    let body = std::str::from_utf8(&message.body).ok()?;
    body.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(ToOwned::to_owned)
}

/// S3's operations that a lake needs, by method and query.
fn s3_operation(method: &str, path: &str) -> &'static str {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let object = path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    match method {
        "GET" if object => "GetObject",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" => "ListObjectsV2",
        "HEAD" if object => "HeadObject",
        "HEAD" => "HeadBucket",
        "PUT" if has("partNumber") => "UploadPart",
        "PUT" if object => "PutObject",
        "PUT" => "CreateBucket",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "POST" if has("delete") => "DeleteObjects",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" => "DeleteObject",
        _ => "",
    }
}

/// Whether a rule is about a request.
type Matches = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

/// A fault and the requests that it happens to: those that match everything asked for, and of these the n-th.
#[derive(Clone)]
pub(crate) struct Rule {
    fault: Fault,
    matches: Vec<Matches>,
    from: u64,
    times: u64,
    seen: u64,
}

impl Rule {
    /// A fault for every request.
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, matches: Vec::new(), from: 0, times: u64::MAX, seen: 0 }
    }

    /// Only with this method.
    pub(crate) fn method(self, method: &'static str) -> Self {
        self.when(move |request| request.method == method)
    }

    /// Only if path and query contain this.
    pub(crate) fn path(self, part: impl Into<String>) -> Self {
        let part = part.into();
        self.when(move |request| request.path.contains(&part))
    }

    /// Only to this service, as it is named in a signature.
    pub(crate) fn service(self, service: &'static str) -> Self {
        self.when(move |request| request.service == service)
    }

    /// Only this operation.
    pub(crate) fn operation(self, operation: &'static str) -> Self {
        self.when(move |request| request.operation == operation)
    }

    /// Only what changes something.
    pub(crate) fn mutations(self) -> Self {
        self.when(Request::is_mutation)
    }

    /// Only if this holds.
    pub(crate) fn when(mut self, holds: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        self.matches.push(Arc::new(holds));
        self
    }

    /// Only the n-th of them, from 0.
    pub(crate) fn nth(mut self, n: u64) -> Self {
        (self.from, self.times) = (n, 1);
        self
    }

    /// Only the first so many of them.
    pub(crate) fn first(mut self, times: u64) -> Self {
        (self.from, self.times) = (0, times);
        self
    }

    /// What happens to this request, if the rule is about it. Counts.
    pub(super) fn apply(&mut self, request: &Request) -> Option<Fault> {
        if !self.matches.iter().all(|holds| holds(request)) {
            return None;
        }
        let n = self.seen;
        self.seen += 1;
        (n >= self.from && n - self.from < self.times).then(|| self.fault.clone())
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("fault", &self.fault).field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// An error as the request's service words it.
pub(super) fn error_answer(request: &Request, status: u16, code: &str) -> Message {
    let (kind, body) = match &*request.service {
        "" | "s3" => (
            "application/xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>injected</Message><RequestId>0</RequestId></Error>"
            ),
        ),
        "redshift" | "sts" => {
            let side = if status < 500 { "Sender" } else { "Receiver" };
            (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>injected</Message></Error><RequestId>0</RequestId></ErrorResponse>"
                ),
            )
        }
        _ => ("application/x-amz-json-1.1", format!("{{\"__type\":\"{code}\",\"message\":\"injected\"}}")),
    };
    let body = if request.method == "HEAD" { String::new() } else { body };
    Message::answer(status, kind, body.into_bytes())
}
