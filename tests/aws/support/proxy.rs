//! A reverse proxy between a client and the AWS of a test: records every request, and does to it what networks and AWS do.
//!
//! Each connection of a client has one of its own to the server. Messages are held whole, so that a request is either forwarded
//! completely or not at all, and its effect is known to have taken place before its answer is lost.

pub(crate) mod faults;
pub(crate) mod http;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) use faults::{Fault, Point, Request, Rule};
use http::{Body, Message};

/// A running proxy. Its connections close when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    endpoint: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<Request>,
    next: u64,
    rules: Vec<Rule>,
    mutations: u64,
    /// The mutation, counted from 0, at which everything stops.
    stop: Option<(u64, Point)>,
    /// Nothing is forwarded or answered any more.
    dead: bool,
}

impl Proxy {
    /// Starts in front of a server such as `http://127.0.0.1:4566`.
    pub(crate) async fn start(upstream: &str) -> Self {
        let upstream: SocketAddr = upstream.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn(accept(listener, upstream, state.clone()));
        Self { endpoint, state, task }
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Adds a rule. Of several that match a request, the first one added decides.
    pub(crate) fn inject(&self, rule: Rule) {
        self.state().rules.push(rule);
    }

    /// Removes all rules.
    pub(crate) fn clear_rules(&self) {
        self.state().rules.clear();
    }

    /// The n-th mutation from now, from 0, fails before or after it takes effect; from then on everything is refused, as by a
    /// process that died, until [`Proxy::heal`].
    pub(crate) fn fail_at(&self, n: u64, point: Point) {
        let mut state = self.state();
        state.stop = Some((state.mutations + n, point));
    }

    /// Forwards again.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        (state.stop, state.dead) = (None, false);
    }

    /// Whether the mutation of [`Proxy::fail_at`] has come.
    pub(crate) fn has_failed(&self) -> bool {
        self.state().dead
    }

    /// Every request so far, forwarded or not.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// The requests so far of one operation.
    pub(crate) fn of(&self, operation: &str) -> Vec<Request> {
        self.state().requests.iter().filter(|request| request.operation == operation).cloned().collect()
    }

    /// Number of requests so far.
    pub(crate) fn count(&self) -> u64 {
        self.state().requests.len() as u64
    }

    /// Number of requests so far that change something.
    pub(crate) fn mutations(&self) -> u64 {
        self.state().mutations
    }

    /// Forgets the requests so far. Their numbers go on; [`Proxy::mutations`] starts at 0 again.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.mutations = 0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Records a request and decides what happens to it.
    fn decide(&mut self, message: &Message) -> (Request, Fault) {
        let request = Request::new(self.next, message);
        self.next += 1;
        self.requests.push(request.clone());
        let n = self.mutations;
        self.mutations += u64::from(request.is_mutation());
        if self.dead {
            return (request, Fault::RefuseBefore);
        }
        if let Some((stop, point)) = self.stop
            && request.is_mutation()
            && n == stop
        {
            self.dead = true;
            let fault = if point == Point::Before { Fault::RefuseBefore } else { Fault::LoseAnswer };
            return (request, fault);
        }
        // Every rule counts every request that it is about, whichever decides.
        let decisions: Vec<Fault> = self.rules.iter_mut().filter_map(|rule| rule.apply(&request)).collect();
        (request, decisions.into_iter().next().unwrap_or(Fault::Pass))
    }

    fn answered(&mut self, number: u64, status: Option<u16>) {
        if let Some(request) = self.requests.iter_mut().rev().find(|request| request.number == number) {
            request.status = status;
        }
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                let state = state.clone();
                // Broken connections are what this is for: how one ended is of no interest.
                connections.spawn(async move { drop(serve(client, upstream, &state).await) });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves a client until it or a fault closes the connection.
async fn serve(client: TcpStream, upstream: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    let mut server = None;
    while let Some(mut message) = http::read_head(&mut client).await? {
        if message.header("expect").is_some() {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            message.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("expect"));
        }
        http::read_body(&mut message, Body::Absent, &mut client).await?;
        let (request, fault) = lock(state).decide(&message);
        match &fault {
            Fault::RefuseBefore => return Ok(()),
            Fault::Stall => return stall(client).await,
            Fault::Answer { status, code, body } => {
                let mut answer = faults::error_answer(&request, *status, code);
                if !body.is_empty() {
                    answer.body = body.clone().into_bytes();
                }
                lock(state).answered(request.number, Some(*status));
                answer.send(&mut client).await?;
                continue;
            }
            _ => {}
        }
        let answer = forward(&message, &mut server, upstream).await?;
        {
            let mut state = lock(state);
            // A process that died meanwhile hears of nothing more.
            if state.dead || fault == Fault::LoseAnswer {
                return Ok(());
            }
            let status = if let Fault::ErrorAfter { status } = fault { Some(status) } else { answer.status() };
            state.answered(request.number, status);
        }
        match fault {
            Fault::ErrorAfter { status } => {
                faults::error_answer(&request, status, "InternalError").send(&mut client).await?;
            }
            Fault::CutBody { after_bytes } => {
                client.write_all(&answer.head()).await?;
                client.write_all(&answer.body[..after_bytes.min(answer.body.len())]).await?;
                return client.flush().await;
            }
            Fault::SlowBody { chunk_bytes, delay } => {
                client.write_all(&answer.head()).await?;
                for chunk in answer.body.chunks(chunk_bytes.max(1)) {
                    tokio::time::sleep(delay).await;
                    client.write_all(chunk).await?;
                }
                client.flush().await?;
            }
            _ => answer.send(&mut client).await?,
        }
        if answer.closes() {
            return Ok(());
        }
    }
    Ok(())
}

/// Sends a request on and reads the whole answer.
async fn forward(
    message: &Message,
    server: &mut Option<BufReader<TcpStream>>,
    upstream: SocketAddr,
) -> io::Result<Message> {
    let connection = match server {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect(upstream).await?;
            stream.set_nodelay(true)?;
            server.insert(BufReader::new(stream))
        }
    };
    message.send(connection).await?;
    let body = if message.word(0) == "HEAD" { Body::Announced } else { Body::UntilClosed };
    let mut answer = loop {
        let answer = http::read_head(connection).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if answer.status() != Some(100) {
            break answer;
        }
    };
    http::read_body(&mut answer, body, connection).await?;
    // What the server answers in chunks goes on with a length: it is known by now.
    answer.measure();
    if answer.closes() {
        *server = None;
    }
    Ok(answer)
}

/// Waits until the client gives up.
async fn stall(mut client: BufReader<TcpStream>) -> io::Result<()> {
    let mut rest = [0; 1024];
    while tokio::io::AsyncReadExt::read(&mut client, &mut rest).await? > 0 {}
    Ok(())
}
