//! Answers come as they are made: memory does not grow with them, they can be given up, and one can see how far they are.

use std::io::Write;
use std::time::Duration;

use futures::StreamExt;
use lookback_query::session::Read;
use lookback_query::{Format, write};

use crate::support::{TestLake, processor_time, sample, until_idle};

/// Counts what is written to it.
#[derive(Default)]
struct Counting(u64);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Memory of this process in MiB: `VmRSS` is what it has, `VmHWM` the most that it has had.
#[cfg(target_os = "linux")]
fn memory(kind: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// 600,000 rows with 256 characters that no two rows share: 150 MB in every format that does not compress.
#[cfg(target_os = "linux")]
const LARGE: &str = "SELECT value, md5(CAST(value AS varchar)) || repeat(md5(CAST(value + 1 AS varchar)), 7) AS text \
                     FROM range(0, 600000)";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_does_not_grow_with_the_answer() {
    let lake = TestLake::new();
    let session = lake.session().await;
    for format in Format::ALL {
        let answer = session.query("SELECT 1 AS value, 'x' AS text").await.unwrap();
        write(answer.into_stream(), format, Counting::default()).await.unwrap();
    }
    for format in Format::ALL {
        // Forgets the peak, see proc(5).
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = memory("VmRSS");
        let answer = session.query(LARGE).await.unwrap();
        let mut to = Counting::default();
        let written = write(answer.into_stream(), format, &mut to).await.unwrap();
        assert_eq!(written.rows(), 600_000);
        let whole = !matches!(format, Format::Table | Format::Parquet);
        assert!(!whole || to.0 > 150_000_000, "{format}: {}", to.0);
        let grown = memory("VmHWM") - before;
        assert!(grown < 100, "{format}: {grown} MiB more than before");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_dropped_stops_its_work() {
    let lake = TestLake::new();
    let session = lake.session().await;
    for sql in [
        "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000000) b WHERE a.value + b.value < 0",
        "SELECT a.value FROM generate_series(1, 100000) a, generate_series(1, 1000000000) b WHERE a.value + b.value < 0",
        "SELECT value % 7 AS k, count(*) FROM generate_series(1, 1000000000000) GROUP BY 1 ORDER BY 2",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    ] {
        let before = processor_time();
        let mut stream = session.query(sql).await.unwrap().into_stream();
        let at_work = async {
            // However little of a busy machine it gets, it is at work before it is dropped.
            while processor_time() - before < Duration::from_millis(100) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            first = stream.next() => panic!("{sql}: {first:?}"),
            () = at_work => {}
        }
        drop(stream);
        until_idle(Duration::from_secs(10), sql).await;
    }
}

#[tokio::test]
async fn one_can_see_what_was_read() {
    let lake = sample().await;
    let session = lake.session().await;
    let answer = session.query("SELECT query, querytxt FROM stl_query").await.unwrap();
    let progress = answer.progress();
    // Its threads may be at work already.
    let planned = progress.read();
    assert!(planned.planned > 1 && planned.files <= planned.planned, "{planned:?}");
    answer.collect().await.unwrap();
    let read = progress.read();
    assert_eq!((read.rows, read.files), (6, planned.planned));
    assert!(read.bytes > 0);
    // Files that the log rules out are not among those that are planned.
    let answer = session.query("SELECT query FROM stl_query WHERE cluster_id = 'bi'").await.unwrap();
    assert!(answer.progress().read().planned < planned.planned);
    // A series is made, not read.
    let answer = session.query("SELECT count(*) FROM range(0, 1000)").await.unwrap();
    let progress = answer.progress();
    answer.collect().await.unwrap();
    assert_eq!(progress.read(), Read::default());
}
