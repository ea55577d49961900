use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::ipc::reader::StreamReader;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn rows() -> RecordBatch {
    let at = TimestampMicrosecondArray::from(vec![Some(1_767_254_400_000_001), None]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("query", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("at", Arc::new(at)),
        ("seconds", Arc::new(Float64Array::from(vec![8.0, f64::NAN]))),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("cost", Arc::new(Decimal128Array::from(vec![Some(1250), None]).with_precision_and_scale(10, 2).unwrap())),
        ("text", Arc::new(StringArray::from(vec![Some("a \"b\",\n</script> é"), Some("")]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("a text that is longer than twelve bytes"), None]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn encoded(form: Form, batches: &[RecordBatch], tail: &Tail) -> Option<Vec<u8>> {
    let head = Head { versions: vec![("stl_query".to_owned(), 3)], notices: Vec::new() };
    let mut encoder = Encoder::new(form, &batches[0].schema(), &head).unwrap();
    let mut bytes = encoder.take().to_vec();
    for batch in batches {
        encoder.write(batch).unwrap();
        bytes.extend_from_slice(&encoder.take());
    }
    let rest = encoder.finish(tail).unwrap()?;
    bytes.extend_from_slice(&rest);
    Some(bytes)
}

fn text(form: Form, tail: &Tail) -> String {
    // A batch in two pieces, as large ones come.
    let rows = rows();
    let bytes = encoded(form, &[rows.slice(0, 1), rows.slice(1, 1)], tail);
    String::from_utf8(bytes.unwrap()).unwrap()
}

fn tail(error: Option<Value>) -> Tail {
    Tail { rows: 2, truncated: false, seconds: 0.25, error }
}

#[test]
fn texts_are_as_they_always_were() {
    let all = [Form::Json, Form::Ndjson, Form::Csv].map(|form| text(form, &tail(None)));
    insta::assert_snapshot!(all.join("\n---\n"));
    let _: Value = serde_json::from_str(&all[0]).unwrap();
}

#[test]
fn an_error_after_rows_can_be_told_from_the_end() {
    let problem = json!({ "code": "read", "detail": "gone" });
    let document: Value = serde_json::from_str(&text(Form::Json, &tail(Some(problem.clone())))).unwrap();
    assert_eq!((&document["rows"].as_array().unwrap().len(), &document["error"]), (&2, &problem));
    let lines = text(Form::Ndjson, &tail(Some(problem.clone())));
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((lines.lines().count(), last), (3, json!({ "error": problem })));
    for form in [Form::Csv, Form::Arrow, Form::Parquet] {
        assert_eq!(encoded(form, &[rows()], &tail(Some(problem.clone()))), None, "{form:?}");
    }
}

#[test]
fn arrow_and_parquet_are_read_back() {
    let rows = rows();
    let bytes = encoded(Form::Arrow, &[rows.slice(0, 1), rows.slice(1, 1)], &tail(None)).unwrap();
    let back: Vec<RecordBatch> = StreamReader::try_new(bytes.as_slice(), None).unwrap().map(Result::unwrap).collect();
    let back = arrow::compute::concat_batches(&back[0].schema(), &back).unwrap();
    assert_eq!(back.columns()[..6], rows.columns()[..6]);
    let view = back.column(6).as_string::<i32>();
    assert_eq!((view.value(0), view.is_null(1)), ("a text that is longer than twelve bytes", true));
    let bytes = encoded(Form::Parquet, std::slice::from_ref(&rows), &tail(None)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
    let back: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(back[0].columns(), rows.columns());
}

#[test]
fn an_answer_without_rows_still_has_its_columns_and_one_without_columns_its_end() {
    let none = rows().slice(0, 0);
    let nothing = Tail::default();
    let csv = String::from_utf8(encoded(Form::Csv, std::slice::from_ref(&none), &nothing).unwrap()).unwrap();
    assert_eq!(csv, "query,at,seconds,ok,cost,text,view\n");
    let json = encoded(Form::Json, std::slice::from_ref(&none), &nothing).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((json["columns"].as_array().unwrap().len(), &json["rows"]), (7, &json!([])));
    let bytes = encoded(Form::Parquet, &[none], &nothing).unwrap();
    let metadata = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
    assert_eq!((metadata.schema().fields().len(), metadata.metadata().file_metadata().num_rows()), (7, 0));
    let empty = RecordBatch::new_empty(Arc::new(Schema::empty()));
    for form in [Form::Csv, Form::Ndjson, Form::Parquet] {
        assert_eq!(encoded(form, std::slice::from_ref(&empty), &nothing).unwrap(), b"", "{form:?}");
    }
    let json: Value = serde_json::from_slice(&encoded(Form::Json, &[empty], &nothing).unwrap()).unwrap();
    assert_eq!(json["columns"], json!([]));
}
