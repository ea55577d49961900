//! An answer on its way to the client.
//!
//! - The first rows are waited for, so that what goes wrong until then is an answer with a status of its own.
//! - Rows are encoded by a task of their own, which is at most [`AHEAD`] pieces ahead of the client. It ends, and with it the
//!   statement, as soon as the client is gone, and when the client has taken nothing for [`STALL`].
//! - A body that ends without its last piece is broken off: no client can take it for a whole one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use bytes::Bytes;
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt, stream};
use lookback_query::QueryError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tracing::Instrument;

use super::accept::Form;
use super::encode::{Encoder, Head, Tail};
use super::problem::Problem;

/// Pieces that wait for the client.
const AHEAD: usize = 2;
/// Bytes of rows, as they are in memory, that are encoded at once.
const PIECE_BYTES: usize = 1 << 20;
/// How long a client may take nothing.
const STALL: Duration = Duration::from_secs(60);

/// What the client wants.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// In which form.
    pub(crate) form: Form,
    /// What the form is called.
    pub(crate) media_type: &'static str,
    /// Rows after which it is enough.
    pub(crate) limit: Option<u64>,
    /// The request's id, for an error that comes late.
    pub(crate) request_id: Arc<str>,
    /// When the question was put.
    pub(crate) began: Instant,
}

/// Sends rows.
///
/// # Errors
/// What went wrong before there was a row.
pub(crate) async fn send(mut rows: SendableRecordBatchStream, head: Head, wanted: Wanted) -> Result<Response, Problem> {
    let encoder = Encoder::new(wanted.form, &rows.schema(), &head)?;
    let first = loop {
        match rows.next().await.transpose().map_err(QueryError::from)? {
            Some(batch) if batch.num_rows() == 0 => {}
            first => break first,
        }
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(&wanted));
    if let Some(name) = file_name(wanted.form) {
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    }
    let (to, from) = channel(AHEAD);
    tokio::spawn(pump(first, rows, encoder, wanted, Line { to, stall: STALL }).in_current_span());
    *response.body_mut() = Body::from_stream(pieces(from));
    Ok(response)
}

fn content_type(wanted: &Wanted) -> HeaderValue {
    match wanted.form {
        Form::Csv => HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
        _ => HeaderValue::from_static(wanted.media_type),
    }
}

/// What a browser calls the file; text that a browser shows by itself has no name.
fn file_name(form: Form) -> Option<&'static str> {
    match form {
        Form::Json | Form::Ndjson => None,
        Form::Csv => Some("attachment; filename=\"lookback.csv\""),
        Form::Arrow => Some("attachment; filename=\"lookback.arrows\""),
        Form::Parquet => Some("attachment; filename=\"lookback.parquet\""),
    }
}

enum Piece {
    Bytes(Bytes),
    End,
}

/// The way to the client.
struct Line {
    to: Sender<Piece>,
    stall: Duration,
}

impl Line {
    /// Whether the client takes more.
    async fn send(&self, piece: Piece) -> bool {
        if let Piece::Bytes(bytes) = &piece
            && bytes.is_empty()
        {
            return true;
        }
        match tokio::time::timeout(self.stall, self.to.send(piece)).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                tracing::warn!("a client took nothing for {} s; its statement was stopped", self.stall.as_secs_f64());
                false
            }
        }
    }
}

async fn pump(
    first: Option<RecordBatch>,
    mut rows: SendableRecordBatchStream,
    mut encoder: Encoder,
    wanted: Wanted,
    line: Line,
) {
    let mut tail = Tail::default();
    let mut left = wanted.limit.unwrap_or(u64::MAX);
    let mut next = first;
    let outcome = loop {
        let Some(batch) = next.take() else { break Ok(()) };
        let kept = batch.num_rows().min(usize::try_from(left).unwrap_or(usize::MAX));
        tail.truncated = kept < batch.num_rows();
        left -= kept as u64;
        let batch = batch.slice(0, kept);
        for part in parts(&batch, wanted.form) {
            if let Err(error) = encoder.write(&part) {
                break_off(&error);
                return;
            }
            tail.rows += part.num_rows() as u64;
            if !line.send(Piece::Bytes(encoder.take())).await {
                return;
            }
        }
        if tail.truncated {
            break Ok(());
        }
        let batch = tokio::select! {
            biased;
            () = line.to.closed() => return,
            batch = rows.next() => batch,
        };
        match batch.transpose() {
            Ok(batch) => next = batch,
            Err(error) => break Err(QueryError::from(error)),
        }
    };
    // What is still to be computed is nobody's any more.
    drop(rows);
    tail.seconds = wanted.began.elapsed().as_secs_f64();
    if let Err(error) = outcome {
        tracing::warn!(error = %error, rows = tail.rows, "a statement failed after its first rows");
        tail.error = Some(Problem::from(error).json(&wanted.request_id));
    }
    match encoder.finish(&tail) {
        Ok(Some(rest)) => {
            let _sent = line.send(Piece::Bytes(rest)).await && line.send(Piece::End).await;
        }
        Ok(None) => {}
        Err(error) => break_off(&error),
    }
}

fn break_off(error: &QueryError) {
    tracing::warn!(error = %error, "an answer was broken off");
}

/// A batch in parts that are not too large at once. Parquet makes its own.
fn parts(batch: &RecordBatch, form: Form) -> Vec<RecordBatch> {
    let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
    let most = match form {
        Form::Parquet => rows,
        _ => (rows.saturating_mul(PIECE_BYTES) / bytes.max(1)).clamp(1, rows.max(1)),
    };
    (0..rows).step_by(most.max(1)).map(|from| batch.slice(from, most.min(rows - from))).collect()
}

/// The body. One whose end was never sent ends with an error, upon which the connection is closed.
fn pieces(from: Receiver<Piece>) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    stream::unfold(Some(from), |from| async move {
        let mut from = from?;
        match from.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(from))),
            Some(Piece::End) => None,
            None => Some((Err(std::io::Error::other("the answer ended before its last row")), None)),
        }
    })
}

#[cfg(test)]
mod tests;
