//! Wrappers around the three seams of an exporter (object store, source, watermark store) that count side effects and stop at
//! one of them, before or after it took place. From then on nothing works any more, as in a process that has died.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use lookback_exporter::error::{Error, ErrorKind, Result};
use lookback_exporter::source::{Oldest, Read, Rows, ServerFacts, Session, Source, SourceColumn, Unplaced};
use lookback_exporter::watermarks::{Grant, Lease, Watermark, WatermarkStore};
use lookback_schemas::TableSpec;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, UploadPart,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// When to stop relative to a side effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    Before,
    After,
}

/// Decides what happens at each side effect.
pub(crate) struct Injector {
    count: AtomicU64,
    stop: Option<(u64, Point)>,
    dead: AtomicBool,
    /// Chance of a passing failure, and its randomness.
    chance: Option<(f64, Mutex<StdRng>)>,
    names: Mutex<Vec<String>>,
}

impl Injector {
    /// Counts, and stops nothing.
    pub(crate) fn counting() -> Arc<Self> {
        Arc::new(Self {
            count: AtomicU64::new(0),
            stop: None,
            dead: AtomicBool::new(false),
            chance: None,
            names: Mutex::default(),
        })
    }

    /// Stops at the n-th side effect, from 0.
    pub(crate) fn stopping(at: u64, point: Point) -> Arc<Self> {
        let dead = AtomicBool::new(false);
        Arc::new(Self {
            count: AtomicU64::new(0),
            stop: Some((at, point)),
            dead,
            chance: None,
            names: Mutex::default(),
        })
    }

    /// Lets each side effect fail with a chance, half of the time after it took place.
    pub(crate) fn flaky(seed: u64, chance: f64) -> Arc<Self> {
        let chance = Some((chance, Mutex::new(StdRng::seed_from_u64(seed))));
        Arc::new(Self {
            count: AtomicU64::new(0),
            stop: None,
            dead: AtomicBool::new(false),
            chance,
            names: Mutex::default(),
        })
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// What the counted side effects were.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.lock().unwrap().clone()
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Says what happens to the next side effect: fail before it, fail after it, or neither.
    fn next(&self, name: &str) -> Option<Point> {
        if self.is_dead() {
            return Some(Point::Before);
        }
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        self.names.lock().unwrap().push(name.to_owned());
        if let Some((at, point)) = self.stop {
            if number == at {
                self.dead.store(true, Ordering::SeqCst);
                return Some(point);
            }
            return None;
        }
        let (chance, random) = self.chance.as_ref()?;
        let mut random = random.lock().unwrap();
        random.random_bool(*chance).then(|| if random.random_bool(0.5) { Point::Before } else { Point::After })
    }

    /// Runs a side effect.
    async fn effect<T, E>(
        &self,
        name: &str,
        fault: impl Fn() -> E,
        run: impl Future<Output = std::result::Result<T, E>>,
    ) -> std::result::Result<T, E> {
        match self.next(name) {
            None => run.await,
            Some(Point::Before) => Err(fault()),
            Some(Point::After) => {
                let _ = run.await;
                Err(fault())
            }
        }
    }

    fn alive<E>(&self, fault: impl Fn() -> E) -> std::result::Result<(), E> {
        if self.is_dead() { Err(fault()) } else { Ok(()) }
    }
}

fn stored() -> object_store::Error {
    object_store::Error::Generic { store: "faulty", source: "injected".into() }
}

fn injected() -> Error {
    Error::new(ErrorKind::Connect, "injected").transient()
}

/// An object store with faults.
pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<dyn ObjectStore>,
    pub(crate) injector: Arc<Injector>,
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        let kind = if location.as_ref().contains("_delta_log") { "commit" } else { "object" };
        let put = self.inner.put_opts(location, payload, options);
        self.injector.effect(&format!("{kind} {location}"), stored, put).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.injector.alive(stored)?;
        let upload = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(FaultyUpload { upload, injector: Arc::clone(&self.injector) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.injector.alive(stored)?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> object_store::Result<Vec<Bytes>> {
        self.injector.alive(stored)?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let injector = Arc::clone(&self.injector);
        let checked = locations.and_then(move |path| {
            let verdict = match injector.next(&format!("delete {path}")) {
                None => Ok(path),
                Some(_) => Err(stored()),
            };
            async move { verdict }
        });
        self.inner.delete_stream(checked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        if self.injector.is_dead() {
            return futures::stream::once(async { Err(stored()) }).boxed();
        }
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.injector.alive(stored)?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.injector.effect(&format!("copy {to}"), stored, self.inner.copy_opts(from, to, options)).await
    }
}

struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    injector: Arc<Injector>,
}

impl fmt::Debug for FaultyUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyUpload")
    }
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        let injector = Arc::clone(&self.injector);
        injector.effect("multipart object", stored, self.upload.complete()).await
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.upload.abort().await
    }
}

/// A source with faults.
pub(crate) struct FaultySource {
    pub(crate) inner: Arc<dyn Source>,
    pub(crate) injector: Arc<Injector>,
}

#[async_trait]
impl Source for FaultySource {
    async fn connect(&self) -> Result<Box<dyn Session>> {
        let session = self.injector.effect("connect", injected, self.inner.connect()).await?;
        Ok(Box::new(FaultySession { session, injector: Arc::clone(&self.injector) }))
    }
}

struct FaultySession {
    session: Box<dyn Session>,
    injector: Arc<Injector>,
}

#[async_trait]
impl Session for FaultySession {
    async fn facts(&mut self) -> Result<ServerFacts> {
        self.injector.effect("query facts", injected, self.session.facts()).await
    }

    async fn clock(&mut self) -> Result<i64> {
        self.injector.effect("query clock", injected, self.session.clock()).await
    }

    async fn columns(&mut self, spec: &TableSpec) -> Result<Vec<SourceColumn>> {
        self.injector.effect("query columns", injected, self.session.columns(spec)).await
    }

    async fn oldest(&mut self, spec: &TableSpec, columns: &[SourceColumn]) -> Result<Option<Oldest>> {
        self.injector.effect("query oldest", injected, self.session.oldest(spec, columns)).await
    }

    async fn read<'s>(&'s mut self, read: Read<'_>) -> Result<Rows<'s>> {
        let injector = Arc::clone(&self.injector);
        // Before: no row arrives. After: all rows arrive, and then the connection breaks.
        match injector.next(&format!("query {}", read.spec.name)) {
            None => self.session.read(read).await,
            Some(Point::Before) => Err(injected()),
            Some(Point::After) => {
                let rows = self.session.read(read).await?;
                Ok(rows.chain(futures::stream::once(async { Err(injected()) })).boxed())
            }
        }
    }

    async fn unplaced(&mut self, spec: &TableSpec, columns: &[SourceColumn], after: i64) -> Result<Unplaced> {
        self.session.unplaced(spec, columns, after).await
    }

    fn is_usable(&self) -> bool {
        !self.injector.is_dead() && self.session.is_usable()
    }
}

/// A watermark store with faults.
pub(crate) struct FaultyMarks {
    pub(crate) inner: Arc<dyn WatermarkStore>,
    pub(crate) injector: Arc<Injector>,
}

fn unmarked() -> Error {
    Error::new(ErrorKind::Watermarks, "injected").transient()
}

#[async_trait]
impl WatermarkStore for FaultyMarks {
    async fn get(&self, cluster_id: &str, table: &str) -> Result<Option<Watermark>> {
        self.injector.alive(unmarked)?;
        self.inner.get(cluster_id, table).await
    }

    async fn advance(
        &self,
        cluster_id: &str,
        table: &str,
        expected: Option<&Watermark>,
        next: &Watermark,
        release: Option<&Lease>,
    ) -> Result<bool> {
        let advance = self.inner.advance(cluster_id, table, expected, next, release);
        let kind = if release.is_some() { "release with watermark" } else { "watermark" };
        self.injector.effect(&format!("{kind} {table}"), unmarked, advance).await
    }

    async fn acquire(
        &self,
        cluster_id: &str,
        table: &str,
        holder: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<Option<Grant>> {
        let acquire = self.inner.acquire(cluster_id, table, holder, now, expires_at);
        self.injector.effect(&format!("lease {table}"), unmarked, acquire).await
    }

    async fn release(&self, cluster_id: &str, table: &str, lease: &Lease) -> Result<()> {
        self.injector.effect(&format!("release {table}"), unmarked, self.inner.release(cluster_id, table, lease)).await
    }

    async fn list(&self) -> Result<Vec<(String, String, Watermark)>> {
        self.injector.alive(unmarked)?;
        self.inner.list().await
    }
}
