use super::*;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(0);
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// What the driver gets of `wire`, and what the reader gets, when the bytes arrive in pieces.
async fn divide(wire: Vec<u8>, piece: usize, open: bool) -> (io::Result<Vec<u8>>, Vec<u8>) {
    let (mut server, client) = tokio::io::duplex(piece);
    let valve = Valve::default();
    let rows = open.then(|| valve.open());
    let mut tap = Tap::new(client, valve);
    let serve = async move { server.write_all(&wire).await };
    let drive = async move {
        let mut seen = Vec::new();
        let ended = tap.read_to_end(&mut seen).await;
        drop(tap);
        ended.map(|_| seen)
    };
    let read = async move {
        let mut seen = Vec::new();
        if let Some(mut rows) = rows {
            while let Some(run) = rows.recv().await {
                seen.extend_from_slice(&run);
            }
        }
        seen
    };
    let (_, driver, reader) = tokio::join!(serve, drive, read);
    (driver, reader)
}

proptest! {
    /// Nothing is lost, doubled or reordered, wherever the network cuts the bytes.
    #[test]
    fn rows_go_to_the_reader_and_the_rest_to_the_driver(
        rows in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40),
        notice_after in 0_usize..40,
        piece in 1_usize..700,
    ) {
        let (mut wire, mut driver, mut reader) = (Vec::new(), Vec::new(), Vec::new());
        let mut say = |bytes: Vec<u8>, to: &mut Vec<u8>| {
            wire.extend_from_slice(&bytes);
            to.extend_from_slice(&bytes);
        };
        // Rows before the statement is bound belong to somebody else.
        say(message(b'D', b"before"), &mut driver);
        say(message(BIND_COMPLETE, b""), &mut driver);
        for (i, row) in rows.iter().enumerate() {
            if i == notice_after {
                say(message(b'N', b"a notice"), &mut driver);
            }
            say(message(b'D', row), &mut reader);
        }
        say(message(b'C', b"SELECT\0"), &mut driver);
        say(message(b'D', b"behind"), &mut driver);
        say(message(b'Z', b"I"), &mut driver);
        let (seen, rows) = runtime().block_on(divide(wire, piece, true));
        prop_assert_eq!(seen.unwrap(), driver);
        prop_assert_eq!(rows, reader);
    }

    #[test]
    fn a_closed_valve_changes_nothing(
        messages in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..50)), 0..20),
        piece in 1_usize..100,
    ) {
        let wire: Vec<u8> = messages.iter().flat_map(|(tag, body)| message(*tag, body)).collect();
        let (seen, _) = runtime().block_on(divide(wire.clone(), piece, false));
        prop_assert_eq!(seen.unwrap(), wire);
    }

    #[test]
    fn any_bytes_are_passed_or_refused(wire in prop::collection::vec(any::<u8>(), 0..200), open: bool) {
        let _ = runtime().block_on(divide(wire, 64, open));
    }
}

#[test]
fn an_error_ends_the_rows() {
    let wire =
        [message(BIND_COMPLETE, b""), message(b'D', b"row"), message(b'E', b"cancelled"), message(b'D', b"next")];
    let (seen, rows) = runtime().block_on(divide(wire.concat(), 64, true));
    assert_eq!(rows, wire[1]);
    assert_eq!(seen.unwrap(), [&wire[0][..], &wire[2], &wire[3]].concat());
}

#[test]
fn half_a_row_at_the_end_is_not_a_row() {
    let whole = [message(BIND_COMPLETE, b""), message(b'D', b"row")].concat();
    let cut = [&whole[..], &message(b'D', b"another row")[..9]].concat();
    let (_, rows) = runtime().block_on(divide(cut, 64, true));
    assert_eq!(rows, whole[5..]);
}

#[test]
fn an_impossible_length_is_refused() {
    for length in [0_i32, 3, -1] {
        let wire = [&[b'D'][..], &length.to_be_bytes()].concat();
        assert!(runtime().block_on(divide(wire, 64, true)).0.is_err());
    }
    let huge = i32::try_from(MAX_ROW_BYTES).unwrap() + 4;
    let wire = [&message(BIND_COMPLETE, b"")[..], b"D", &huge.to_be_bytes()].concat();
    assert!(runtime().block_on(divide(wire, 64, true)).0.is_err());
}

/// A reader that does not take rows stops the reading of the socket, and one that is gone ends the connection.
#[test]
fn a_reader_holds_the_server_back() {
    runtime().block_on(async {
        let row = message(b'D', &[7; 10_000]);
        let (mut server, client) = tokio::io::duplex(16_384);
        let valve = Valve::default();
        let mut tap = Tap::new(client, valve.clone());
        let rows = valve.open();
        let driver = tokio::spawn(async move { tap.read_u8().await.and(tap.read_to_end(&mut Vec::new()).await) });
        server.write_all(&message(BIND_COMPLETE, b"")).await.unwrap();
        let mut sent = 0;
        let write = async {
            loop {
                server.write_all(&row).await?;
                sent += row.len();
            }
            #[expect(unreachable_code, reason = "says the type")]
            io::Result::Ok(())
        };
        tokio::select! {
            biased;
            _ = write => unreachable!("endless"),
            () = async { for _ in 0..1_000 { tokio::task::yield_now().await } } => {}
        }
        assert!(sent < 16_384 + (WAITING_RUNS + 2) * (READ_BYTES + row.len()), "{sent} bytes were taken");
        drop(rows);
        assert_eq!(driver.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}
