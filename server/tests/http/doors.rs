//! Who gets in, how, and to what.

use lookback_server::people::{hash_password, new_token};
use serde_json::{Value, json};

use crate::client::{Answer, Server, with};

const PASSWORD: &str = "a password: with a colon";

/// A server with a viewer, an auditor and an admin, and the token of each.
async fn staffed() -> (Server, [String; 3]) {
    let made = [(); 3].map(|()| new_token().unwrap());
    let [viewer, auditor, admin] = made.each_ref().map(|(_, hash)| hash.clone());
    let password = hash_password(PASSWORD.to_owned()).unwrap();
    let users = json!({
        "vera": { "role": "viewer", "tokens": [viewer], "password": password },
        "aud": { "role": "auditor", "tokens": [auditor] },
        "root": { "role": "admin", "tokens": [admin] },
    });
    (with(json!({ "users": users })).await, made.map(|(token, _)| token))
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.send(&format!("GET {path}"), headers, b"").await
}

fn basic(user: &str, password: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = format!("{user}:{password}").into_bytes();
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number =
            three.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        let letters = (0..4).map(|at| if at <= three.len() { LETTERS[number >> (18 - 6 * at) & 63] } else { b'=' });
        text.extend(letters.map(char::from));
    }
    format!("Basic {text}")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_sees_its_own_and_nobody_sees_nothing() {
    let (server, tokens) = staffed().await;
    let bearers = tokens.map(|token| format!("Bearer {token}"));
    for (path, who) in [
        ("/api/status", [200, 200, 200]),
        ("/api/diagnostics", [200, 200, 200]),
        ("/api/tables/stl_query", [200, 200, 200]),
        ("/api/tables/encryption_events", [403, 200, 200]),
        ("/api/audit", [403, 200, 200]),
        ("/api/timeline/etl", [403, 404, 404]),
        ("/api/questions", [403, 200, 200]),
        ("/metrics", [403, 403, 200]),
        ("/healthz", [200, 200, 200]),
        ("/api/openapi.json", [200, 200, 200]),
    ] {
        for (bearer, want) in bearers.iter().zip(who) {
            let answer = get(&server, path, &[("authorization", bearer)]).await;
            assert_eq!(answer.status, want, "{path}: {answer:?}");
        }
        let open = matches!(path, "/healthz" | "/api/openapi.json");
        assert_eq!(get(&server, path, &[]).await.status, if open { 200 } else { 401 }, "{path}");
    }
    let ask = async |bearer: &str, sql: &str| {
        let headers = [("content-type", "text/plain"), ("authorization", bearer)];
        server.send("POST /api/sql", &headers, sql.as_bytes()).await
    };
    let record = "SELECT count(*) AS n FROM cluster_encryption_state";
    assert_eq!(ask(&bearers[0], record).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(ask(&bearers[1], record).await.status, 200);
    // What a viewer may not ask is not listed either, and what collectors read is none of a viewer's business.
    let names = async |bearer: &str| get(&server, "/api/tables", &[("authorization", bearer)]).await.text();
    assert!(
        !names(&bearers[0]).await.contains("encryption_events")
            && names(&bearers[1]).await.contains("encryption_events")
    );
    assert_eq!(get(&server, "/api/status", &[("authorization", &bearers[0])]).await.json()["collectors"], Value::Null);
    // It is on record who did it.
    assert_eq!(ask(&bearers[1], record).await.status, 200);
    let questions = get(&server, "/api/questions?limit=1", &[("authorization", &bearers[1])]).await.json();
    assert_eq!(
        (&questions["questions"][0]["user"], &questions["questions"][0]["role"]),
        (&json!("aud"), &json!("auditor"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_gets_in_by_what_one_knows_and_not_by_guessing() {
    let (server, [token, ..]) = staffed().await;
    let right = basic("vera", PASSWORD);
    assert_eq!(get(&server, "/api/status", &[("authorization", &right)]).await.status, 200);
    let stranger = get(&server, "/api/status", &[]).await;
    assert_eq!(stranger.problem(), (401, "unauthenticated".to_owned()));
    assert!(stranger.header("www-authenticate").unwrap().contains("Basic"));
    // A browser is not asked to open a window of its own.
    let fetched = get(&server, "/api/status", &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(fetched.header("www-authenticate"), Some("Bearer realm=\"lookback\""));
    // A person is shown where to log in, and comes back.
    let person = get(&server, "/some/page?x=1&y=%22", &[("accept", "text/html")]).await;
    assert_eq!((person.status, person.header("location")), (303, Some("/login?next=/some/page%3Fx%3D1%26y%3D%2522")));
    for wrong in ["Digest x", "Basic !", &basic("nobody", PASSWORD)] {
        assert_eq!(get(&server, "/api/status", &[("authorization", wrong)]).await.status, 401, "{wrong}");
    }
    for wrong in ["Bearer x", &basic("vera", "x")] {
        let mut last = 0;
        for _ in 0..11 {
            last = get(&server, "/api/status", &[("authorization", wrong)]).await.status;
        }
        assert_eq!(last, 429, "{wrong}");
    }
    // Behind the same address are others, and a program with its token.
    let program = format!("Bearer {token}");
    assert_eq!(get(&server, "/api/status", &[("authorization", &program)]).await.status, 200);
    assert_eq!(get(&server, "/api/status", &[("authorization", &right)]).await.status, 429);
    assert_eq!(get(&server, "/api/status", &[("authorization", &basic("else", "x"))]).await.status, 401);
    let guessing = get(&server, "/api/status", &[("authorization", "Bearer x")]).await;
    assert_eq!(guessing.problem(), (429, "too_many_logins".to_owned()));
    assert!(guessing.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_has_a_session_that_only_its_own_pages_can_use() {
    let (server, [token, ..]) = staffed().await;
    let own = ("sec-fetch-site", "same-origin");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let login = async |body: &str, headers: &[(&str, &str)]| server.send("POST /login", headers, body.as_bytes()).await;
    let body = "user=vera&password=a+password%3A+with+a+colon&next=%2Fsql%3Fq%3D1";
    let opened = login(body, &[form, own]).await;
    assert_eq!((opened.status, opened.header("location")), (303, Some("/sql?q=1")));
    let cookie = opened.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
    let cookie = ("cookie", cookie.split(';').next().unwrap());
    assert_eq!(get(&server, "/api/status", &[cookie]).await.status, 200);
    let ask = async |headers: &[(&str, &str)]| {
        let all: Vec<_> = [("content-type", "text/plain"), cookie].iter().chain(headers).copied().collect();
        server.send("POST /api/sql", &all, b"SELECT 1 AS one").await.status
    };
    assert_eq!(ask(&[own]).await, 200);
    assert_eq!(ask(&[("lookback-request", "1")]).await, 200);
    assert_eq!(ask(&[]).await, 403);
    assert_eq!(ask(&[("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(server.desk.questions(1)[0].door.name(), "page");
    // A token opens one as well; another site's page does not, and neither does a wrong password, nor a way to somewhere else.
    let by_token = json!({ "token": token }).to_string();
    let opened = login(&by_token, &[("content-type", "application/json"), own]).await;
    assert_eq!((opened.status, opened.header("location")), (204, None));
    assert_eq!(
        login(body, &[form, ("sec-fetch-site", "cross-site")]).await.problem(),
        (403, "cross_origin".to_owned())
    );
    let wrong = login("user=vera&password=x&next=//evil.example", &[form, own]).await;
    assert_eq!((wrong.status, wrong.header("location")), (303, Some("/login?failed=unauthenticated&next=/")));
    assert_eq!(wrong.header("set-cookie"), None);
    // After the log-out the id is worth nothing.
    let closed = server.send("POST /logout", &[cookie, own], b"").await;
    assert_eq!(closed.status, 204);
    assert!(closed.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(get(&server, "/api/status", &[cookie]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_browsers_come_back_with_tls_only() {
    let (token, hash) = new_token().unwrap();
    let users = json!({ "ana": { "tokens": [hash] } });
    // What is behind TLS does not see it; the settings say whether it is there.
    let server = with(json!({ "users": users, "tls_cert": "cert.pem", "tls_key": "key.pem" })).await;
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
    let opened = server.send("POST /login", &headers, json!({ "token": token }).to_string().as_bytes()).await;
    assert_eq!(opened.header("strict-transport-security"), Some("max-age=31536000"));
    let cookie = opened.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-lookback=") && cookie.ends_with("; Secure"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(get(&server, "/api/status", &[("cookie", cookie)]).await.status, 200);
    assert_eq!(get(&server, "/api/status", &[("cookie", &cookie.replace("__Host-", ""))]).await.status, 401);
}
