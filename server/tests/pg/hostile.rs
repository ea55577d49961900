//! Bytes that no driver sends.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Running, simple};

/// What comes back until the server closes, which it does at the latest when the client says that it goes.
async fn send(server: &Running, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[bytes, b"X\0\0\0\x04"].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    answer
}

const START: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0x\0\0";

#[tokio::test]
async fn what_is_not_the_protocol_ends_one_connection_only() {
    let server = Running::with(json!({ "limits": { "login": "500ms" } })).await;
    let witness = server.connect().await;
    let hello = |rest: &[u8]| [START, rest].concat();
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"\xff\xff\xff\xff\0\x03\0\0".to_vec(),
        b"\0\0\0\x04".to_vec(),
        b"\0\0\0\x09\0\x03\0\0\0".to_vec(),
        b"\0\0\0\x10\0\x02\0\0user\0x\0\0".to_vec(),
        b"\0\0\0\x10\0\x03\0\0user\0xxx".to_vec(),
        b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x08\x04\xd2\x16\x30\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x08\x04\xd2\x16\x2f"
            .to_vec(),
        b"\x16\x03\x01\0\x05hello".to_vec(),
        b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02".to_vec(),
        hello(b"Q\xff\xff\xff\xff"),
        hello(b"Q\x7f\xff\xff\xff"),
        hello(b"B\0\0\0\x10\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0"),
        hello(b"P\0\0\0\x08\0\0\xff\xff"),
        hello(b"Q\0\0\0\x06\xff\0"),
        hello(b"!\0\0\0\x04"),
        hello(b"p\0\0\0\x05x"),
        hello(b"d\0\0\0\x05xE\0\0\0\x09\0\0\0\0\0S\0\0\0\x04"),
    ] {
        let answer = send(&server, &bytes).await;
        assert!(answer.len() < 4_096, "{bytes:?}: {answer:?}");
    }
    let newer = send(&server, b"\0\0\0\x10\0\x03\0\x02user\0x\0\0").await;
    assert!(newer.starts_with(b"v"), "a newer minor version is negotiated: {newer:?}");
    let broken = send(&server, &hello(b"Q\0\0\0\x06\xff\0")).await;
    assert!(broken.windows(5).any(|five| five == b"08P01"), "{broken:?}");
    assert_eq!(simple(&witness, "SELECT 1").await, "1");
}

#[tokio::test]
async fn after_an_error_the_extended_protocol_waits_for_sync() {
    let server = Running::start().await;
    let parse = |sql: &str| {
        let mut message = vec![b'P'];
        message.extend(u32::try_from(sql.len() + 8).unwrap().to_be_bytes());
        message.extend([b"\0", sql.as_bytes(), b"\0\0\0"].concat());
        message
    };
    let run = b"B\0\0\0\x0c\0\0\0\0\0\0\0\0E\0\0\0\x09\0\0\0\0\0".to_vec();
    let sync = b"S\0\0\0\x04".to_vec();
    let bytes =
        [START.to_vec(), parse("SELEC 1"), run.clone(), run.clone(), sync.clone(), parse("SELECT 1"), run, sync]
            .concat();
    let answer = send(&server, &bytes).await;
    let count = |what: &[u8]| answer.windows(what.len()).filter(|part| *part == what).count();
    assert_eq!((count(b"C42601\0"), count(b"Z\0\0\0\x05I"), count(b"SELECT 1\0")), (1, 3, 1), "{answer:?}");
}
