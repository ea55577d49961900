use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Int64Array};
use datafusion::common::DataFusionError;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use serde_json::Value;

use super::*;

fn batch(from: i64, rows: i64) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + rows));
    RecordBatch::try_from_iter([("n", numbers)]).unwrap()
}

/// Batches of ten rows, as many as are asked for, which are counted.
fn endless(given: &Arc<AtomicUsize>) -> SendableRecordBatchStream {
    let given = Arc::clone(given);
    let rows = stream::repeat_with(move || {
        let number = given.fetch_add(1, Ordering::SeqCst);
        Ok(batch(i64::try_from(number).unwrap() * 10, 10))
    });
    Box::pin(RecordBatchStreamAdapter::new(batch(0, 1).schema(), rows))
}

fn fixed(batches: Vec<Result<RecordBatch, DataFusionError>>) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(batch(0, 1).schema(), stream::iter(batches)))
}

fn broken() -> DataFusionError {
    DataFusionError::Execution("the disk is gone".to_owned())
}

fn wanted(form: Form, limit: Option<u64>) -> Wanted {
    Wanted { form, media_type: "x/y", limit, request_id: "id-1".into(), began: Instant::now() }
}

async fn body(rows: SendableRecordBatchStream, wanted: Wanted) -> Result<Vec<u8>, axum::Error> {
    let response = send(rows, Head::default(), wanted).await.unwrap();
    axum::body::to_bytes(response.into_body(), 1 << 20).await.map(Into::into)
}

async fn document(rows: SendableRecordBatchStream, limit: Option<u64>) -> Value {
    serde_json::from_slice(&body(rows, wanted(Form::Json, limit)).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_limit_cuts_the_rows_and_says_so_only_if_there_were_more() {
    for (limit, rows, truncated) in
        [(Some(15), 15, true), (Some(20), 20, false), (Some(21), 20, false), (Some(0), 0, true), (None, 20, false)]
    {
        let document = document(fixed(vec![Ok(batch(0, 10)), Ok(batch(10, 0)), Ok(batch(10, 10))]), limit).await;
        assert_eq!(document["rows"].as_array().unwrap().len(), rows, "{limit:?}");
        assert_eq!((&document["row_count"], &document["truncated"]), (&rows.into(), &truncated.into()), "{limit:?}");
    }
    // It is also how an answer without end is stopped.
    let given = Arc::default();
    assert_eq!(document(endless(&given), Some(25)).await["rows"].as_array().unwrap().len(), 25);
}

#[tokio::test]
async fn an_error_before_the_first_row_is_an_answer_and_a_later_one_breaks_off() {
    let early = || fixed(vec![Ok(batch(0, 0)), Err(broken())]);
    let problem = send(early(), Head::default(), wanted(Form::Csv, None)).await.unwrap_err();
    assert_eq!(problem.json("x")["code"], "read");
    let late = || fixed(vec![Ok(batch(0, 10)), Err(broken())]);
    assert!(body(late(), wanted(Form::Csv, None)).await.is_err());
    assert!(body(late(), wanted(Form::Parquet, None)).await.is_err());
    let document = document(late(), None).await;
    assert_eq!(document["rows"].as_array().unwrap().len(), 10);
    assert_eq!((&document["error"]["code"], &document["error"]["request_id"]), (&"read".into(), &"id-1".into()));
}

#[tokio::test]
async fn who_goes_away_or_takes_nothing_ends_the_statement() {
    let given = Arc::new(AtomicUsize::new(0));
    let held = Arc::downgrade(&given);
    let response = send(endless(&given), Head::default(), wanted(Form::Ndjson, None)).await.unwrap();
    drop((response, given));
    while held.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
    // A client that is there and takes nothing: the rows are dropped although the body is not.
    let given = Arc::new(AtomicUsize::new(0));
    let (to, from) = channel(AHEAD);
    let encoder = Encoder::new(Form::Ndjson, &batch(0, 1).schema(), &Head::default()).unwrap();
    let line = Line { to, stall: Duration::from_millis(20) };
    pump(Some(batch(0, 1)), endless(&given), encoder, wanted(Form::Ndjson, None), line).await;
    assert!(Arc::strong_count(&given) == 1 && given.load(Ordering::SeqCst) <= AHEAD + 1);
    let last = pieces(from).collect::<Vec<_>>().await.pop().unwrap();
    assert!(last.is_err(), "a body that was given up does not look whole");
}

#[test]
fn wide_rows_are_encoded_in_parts() {
    let text: ArrayRef = Arc::new(arrow::array::StringArray::from_iter_values((0..100).map(|_| "x".repeat(100_000))));
    let wide = RecordBatch::try_from_iter([("t", text)]).unwrap();
    let all = parts(&wide, Form::Json);
    assert!(all.len() >= 10 && all.iter().map(RecordBatch::num_rows).sum::<usize>() == 100);
    assert_eq!(parts(&wide, Form::Parquet).len(), 1);
    assert_eq!(parts(&batch(0, 8192), Form::Csv).len(), 1);
}
