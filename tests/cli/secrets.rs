//! Passwords stay where they are.

use lookback_simulator::{Access, Tls};

use crate::support::{LOOKBACK, Place, Ran, Sim};

const SECRET: &str = "s3cr3t-Xyzzy";

fn nowhere(place: &Place, stdout: &[u8], stderr: &[u8]) {
    let holds = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
    assert!(!holds(stdout), "the password is on stdout");
    assert!(!holds(stderr), "the password is on stderr:\n{}", String::from_utf8_lossy(stderr));
    for file in place.files().iter().filter(|f| !f.ends_with("pw")) {
        assert!(!holds(&std::fs::read(file).unwrap()), "the password is in {}", file.display());
    }
}

async fn traced(place: &Place, args: &[&str], json: bool) -> Ran {
    let mut command = place.command(LOOKBACK);
    command.args(args).arg("-vv").env("RUST_LOG", "trace").env("PW", SECRET);
    if json {
        command.args(["--log-format", "json"]);
    }
    let output = command.output().await.unwrap();
    nowhere(place, &output.stdout, &output.stderr);
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        bytes: output.stdout,
    }
}

#[tokio::test]
async fn a_password_is_in_no_log_no_lake_and_no_state() {
    let sim = Sim::start("one").await;
    sim.cluster.set_user("lookback", SECRET, Access::Unrestricted);
    let place = Place::with(&[&sim.section()]);
    let ran = traced(&place, &["export"], false).await.expect(0);
    assert!(ran.stderr.contains("DEBUG") || ran.stderr.contains("TRACE"), "the log is on");
    assert_eq!(place.queries("one").await, sim.truth());
    for args in [&["check"][..], &["verify"], &["status"], &["maintain"], &["export", "--dry-run"]] {
        traced(&place, args, true).await.expect(0);
    }
}

#[tokio::test]
async fn nor_over_tls_with_a_password_file() {
    let sim = Sim::start_with("one", Tls::Required).await;
    sim.cluster.set_user("lookback", SECRET, Access::Unrestricted);
    let place = Place::with(&[&sim.section_with("password_file = \"pw\"\nca_file = \"ca.pem\"\n")]);
    place.write("ca.pem", &sim.server.ca_pem().unwrap());
    place.write("pw", &format!("{SECRET}\n"));
    traced(&place, &["export"], false).await.expect(0);
}

#[tokio::test]
async fn nor_when_it_is_wrong() {
    let sim = Sim::start("one").await;
    let place = Place::with(&[&sim.section()]);
    for args in [&["export"][..], &["check"], &["verify"], &["export", "--dry-run"]] {
        traced(&place, args, false).await.expect(1);
    }
}

#[tokio::test]
async fn a_demo_keeps_its_password_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let args = ["demo", "--once", "--dir", "d", "--clusters", "1", "--days", "1", "--queries", "10"];
    place.run(&args).await.expect(0);
    assert_eq!(std::fs::metadata(place.path("d/password")).unwrap().permissions().mode() & 0o777, 0o600);
}
