//! Every format holds the whole answer.

use std::io::{Error, ErrorKind, Write};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use lookback_query::{Format, Limits, Session, Written};

use crate::support::{TestLake, sample};

const SQL: &str = "SELECT cluster_id, query, log_date, endtime, query / 4.0::float AS quarter, \
                   CASE WHEN query > 2 THEN querytxt END AS text, query = 1 AS first \
                   FROM stl_query ORDER BY cluster_id, query";

async fn written(session: &Session, sql: &str, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    let answer = session.query(sql).await.unwrap();
    lookback_query::write(answer.into_stream(), format, &mut bytes).await.unwrap();
    bytes
}

fn whole(batches: &[RecordBatch]) -> RecordBatch {
    concat_batches(&batches[0].schema(), batches).unwrap()
}

#[tokio::test]
async fn binary_formats_come_back_as_they_were() {
    let lake = sample().await;
    let session = lake.session().await;
    let want = whole(&session.query(SQL).await.unwrap().collect().await.unwrap());
    let bytes = written(&session, SQL, Format::Arrow).await;
    let reader = arrow::ipc::reader::FileReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
    assert_eq!(whole(&reader.map(Result::unwrap).collect::<Vec<_>>()), want);
    let bytes = written(&session, SQL, Format::Parquet).await;
    let path = lake.dir.path().join("answer.parquet");
    std::fs::write(&path, bytes).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    assert_eq!(whole(&reader.map(Result::unwrap).collect::<Vec<_>>()), want);
}

#[tokio::test]
async fn text_formats() {
    let lake = sample().await;
    let session = lake.session().await;
    let show = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert_eq!(
        show(written(&session, SQL, Format::Csv).await),
        "cluster_id,query,log_date,endtime,quarter,text,first\n\
         bi,1,2026-01-01,2026-01-01 10:00:30,0.25,,true\n\
         bi,2,2026-01-02,2026-01-02 10:00:02,0.5,,false\n\
         bi,30,2026-01-02,2026-01-02 12:00:02,7.5,select 5,false\n\
         etl,1,2026-01-01,2026-01-01 08:00:01.500,0.25,,true\n\
         etl,2,2026-01-01,2026-01-01 09:10:00.250,0.5,,false\n\
         etl,3,2026-01-02,2026-01-02 08:00:03.123456,0.75,\"insert into t values ('é, \"\"x\"\"')\",false\n"
    );
    let lines = show(written(&session, SQL, Format::Ndjson).await);
    assert_eq!(lines.lines().count(), 6);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        first,
        serde_json::json!({"cluster_id": "bi", "query": 1, "log_date": "2026-01-01", "endtime": "2026-01-01 10:00:30",
            "quarter": 0.25, "text": null, "first": true})
    );
    let array: Vec<serde_json::Value> = serde_json::from_slice(&written(&session, SQL, Format::Json).await).unwrap();
    assert_eq!(array.len(), 6);
    assert_eq!(array[0], first);
    let table = show(written(&session, SQL, Format::Table).await);
    insta::assert_snapshot!(table, @r#"
     cluster_id | query | log_date   | endtime                    | quarter | text                            | first
    ------------+-------+------------+----------------------------+---------+---------------------------------+-------
     bi         |     1 | 2026-01-01 | 2026-01-01 10:00:30        |    0.25 |                                 | true
     bi         |     2 | 2026-01-02 | 2026-01-02 10:00:02        |     0.5 |                                 | false
     bi         |    30 | 2026-01-02 | 2026-01-02 12:00:02        |     7.5 | select 5                        | false
     etl        |     1 | 2026-01-01 | 2026-01-01 08:00:01.500    |    0.25 |                                 | true
     etl        |     2 | 2026-01-01 | 2026-01-01 09:10:00.250    |     0.5 |                                 | false
     etl        |     3 | 2026-01-02 | 2026-01-02 08:00:03.123456 |    0.75 | insert into t values ('é, "x"') | false
    (6 rows)
    "#);
}

#[tokio::test]
async fn an_answer_without_rows_is_valid_in_every_format() {
    let lake = TestLake::new();
    let session = lake.session().await;
    let sql = "SELECT query, endtime FROM stl_query";
    for format in Format::ALL {
        let bytes = written(&session, sql, format).await;
        match format {
            Format::Csv => assert_eq!(bytes, b"query,endtime\n"),
            Format::Json => assert_eq!(bytes, b"[]\n"),
            Format::Ndjson => assert!(bytes.is_empty()),
            Format::Table => {
                assert_eq!(String::from_utf8(bytes).unwrap(), " query | endtime\n-------+---------\n(0 rows)\n");
            }
            Format::Expanded => assert_eq!(bytes, b"(0 rows)\n"),
            Format::Parquet => assert!(bytes.starts_with(b"PAR1")),
            Format::Arrow => assert!(bytes.starts_with(b"ARROW1")),
        }
    }
}

struct Closing(usize);

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| Error::from(ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_reader_that_leaves_is_no_error() {
    let lake = TestLake::new();
    let session = lake.session().await;
    for format in Format::ALL {
        let answer = session.query("SELECT value, repeat('x', 100) FROM range(0, 100000)").await.unwrap();
        let written = lookback_query::write(answer.into_stream(), format, Closing(1_000)).await;
        assert!(matches!(written, Ok(Written::Closed { .. })), "{format}: {written:?}");
    }
}

#[tokio::test]
async fn a_long_table_says_what_it_leaves_out() {
    let lake = TestLake::new();
    let session = lake.session().await;
    let text = String::from_utf8(written(&session, "SELECT value FROM range(0, 10003)", Format::Table).await).unwrap();
    assert_eq!(text.lines().count(), 10_003);
    assert!(text.ends_with("(10000 rows shown, 3 more left out; other formats write them all)\n"));
}

#[tokio::test]
async fn a_table_begins_before_its_last_row_is_known() {
    let lake = TestLake::new();
    // In one part, so that the rows come in their order: the one that fails is after those that widths are taken from.
    let limits = Limits { target_partitions: 1, ..Limits::default() };
    let session = Session::open(lake.location(), limits).await.unwrap();
    let sql = "SELECT value, 10 / (9000 - value) AS part FROM range(0, 9500)";
    let mut bytes = Vec::new();
    let answer = session.query(sql).await.unwrap();
    lookback_query::write(answer.into_stream(), Format::Table, &mut bytes).await.unwrap_err();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with(" value | part\n-------+------\n     0 |    0\n"), "{text}");
    // A later cell that is wider keeps its row in one line.
    let sql = "SELECT CASE WHEN value < 1500 THEN 'a' ELSE 'longer' END AS t, value FROM range(0, 2000) ORDER BY value";
    let text = String::from_utf8(written(&session, sql, Format::Table).await).unwrap();
    assert!(text.contains("\n a |  1499\n longer |  1500\n"), "{text}");
}

#[tokio::test]
async fn expanded_rows_have_a_line_for_every_column() {
    let lake = sample().await;
    let session = lake.session().await;
    let sql = "SELECT cluster_id, query, CASE WHEN query > 2 THEN querytxt END AS text FROM stl_query \
               WHERE query IN (2, 3) ORDER BY 1, 2";
    insta::assert_snapshot!(String::from_utf8(written(&session, sql, Format::Expanded).await).unwrap(), @r#"
    -[ row 1 ]------------------------
    cluster_id | bi
    query      | 2
    text       |
    -[ row 2 ]------------------------
    cluster_id | etl
    query      | 2
    text       |
    -[ row 3 ]------------------------
    cluster_id | etl
    query      | 3
    text       | insert into t values ('é, "x"')
    (3 rows)
    "#);
    let plan = String::from_utf8(written(&session, "EXPLAIN SELECT 1", Format::Expanded).await).unwrap();
    assert!(plan.starts_with("logical_plan\n"), "{plan}");
}

#[tokio::test]
async fn control_characters_do_not_reach_a_terminal() {
    let lake = TestLake::new();
    let session = lake.session().await;
    let text = String::from_utf8(written(&session, "SELECT E'a\\n\\t b\\x1b[2J' AS c", Format::Table).await).unwrap();
    assert!(!text.contains('\u{1b}') && text.contains("a b"), "{text:?}");
}

#[tokio::test]
async fn limits_are_errors_not_shorter_answers() {
    let lake = sample().await;
    let limits = Limits { max_rows: Some(5), ..Limits::default() };
    let session = Session::open(lake.location(), limits).await.unwrap();
    let error = crate::support::csv(&session, "SELECT query FROM stl_query").await.unwrap_err();
    assert_eq!(error.kind(), lookback_query::ErrorKind::Limit);
    assert!(error.to_string().contains("more than 5 rows"), "{error}");
    let limits = Limits { timeout: std::time::Duration::from_millis(50), ..Limits::default() };
    let session = Session::open(lake.location(), limits).await.unwrap();
    let slow = "SELECT COUNT(*) FROM range(0, 100000000) a JOIN range(0, 1000) b ON a.value % 7 = b.value % 7";
    let error = crate::support::csv(&session, slow).await.unwrap_err();
    assert_eq!(error.kind(), lookback_query::ErrorKind::Limit, "{error}");
    let limits = Limits { memory_bytes: 1 << 20, target_partitions: 1, ..Limits::default() };
    let session = Session::open(lake.location(), limits).await.unwrap();
    let big = "SELECT array_length(array_agg(value)) FROM range(0, 3000000)";
    let error = crate::support::csv(&session, big).await.unwrap_err();
    assert_eq!(error.kind(), lookback_query::ErrorKind::Limit, "{error}");
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
    }
    assert!("xml".parse::<Format>().unwrap_err().to_string().contains("ndjson"));
}
