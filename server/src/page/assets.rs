//! Files that a browser loads: scripts, styles, the icon. All are part of the program, so that the page needs no network.
//!
//! Their path has a hash of them all in it: a new version of the program is a new path, and what a browser has of the old one can
//! be kept for good.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::people::hex;

struct Asset {
    name: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal) => {
        asset!($name, $name)
    };
    ($name:literal, $path:literal) => {
        Asset { name: $name, bytes: include_bytes!(concat!("../../assets/", $path)) }
    };
}

static ASSETS: [Asset; 10] = [
    asset!("page.css"),
    asset!("theme.js"),
    asset!("charts.js"),
    asset!("page.js"),
    asset!("console.js"),
    asset!("icon.svg"),
    asset!("htmx.min.js", "vendor/htmx.min.js"),
    asset!("echarts.min.js", "vendor/echarts.min.js"),
    asset!("codemirror.min.js", "vendor/codemirror.min.js"),
    asset!("codemirror.min.css", "vendor/codemirror.min.css"),
];

/// The path below which they are, without a slash at its end.
pub(super) fn prefix() -> &'static str {
    static PREFIX: OnceLock<String> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let mut hasher = Sha256::new();
        ASSETS.iter().for_each(|asset| hasher.update(asset.bytes));
        format!("/assets/{}", hex(&hasher.finalize()).get(..12).unwrap_or_default())
    })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// `GET /assets/{version}/{name}`
pub(super) async fn get(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let current = prefix().rsplit_once('/').is_some_and(|(_, own)| own == version);
    let tag = format!("\"{}\"", prefix().rsplit_once('/').map_or("", |(_, own)| own));
    // A page of another version of the program gets what there is, and nobody keeps that.
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let head = [(CONTENT_TYPE, media_type(asset.name)), (CACHE_CONTROL, keep), (ETAG, tag.as_str())];
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, asset.bytes).into_response()
}

/// `GET /favicon.ico`, which browsers ask for by themselves.
pub(super) async fn icon() -> Response {
    let bytes = ASSETS.iter().find(|asset| asset.name == "icon.svg").map_or(&[][..], |asset| asset.bytes);
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "public, max-age=86400")], bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is vendored is what its README says it is.
    #[test]
    fn checksums_are_those_of_the_list() {
        let list = include_str!("../../assets/vendor/README.md");
        let vendored: Vec<&Asset> = ASSETS.iter().filter(|asset| asset.name.contains(".min.")).collect();
        assert_eq!(vendored.len(), 4);
        for asset in vendored {
            let row = list.lines().find(|line| line.starts_with(&format!("| `{}` ", asset.name)));
            let sum = hex(&Sha256::digest(asset.bytes));
            assert!(row.is_some_and(|row| row.contains(&sum)), "{}: {sum}", asset.name);
        }
        let total: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(total < 1_572_864, "{total} bytes");
    }

    /// Nothing that we wrote names another host, and no template has a script or a style in it.
    #[test]
    fn nothing_comes_from_elsewhere() {
        for asset in ASSETS.iter().filter(|asset| !asset.name.contains(".min.")) {
            let text = String::from_utf8_lossy(asset.bytes).replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", asset.name);
        }
        let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut seen = 0;
        for file in std::fs::read_dir(templates).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            let scripts = text.matches("<script").count();
            assert_eq!(scripts, text.matches("<script src=\"{{ shell.assets }}/").count(), "{:?}", file.path());
            for inline in ["<style", " style=", "onclick=", "onload=", "javascript:", "|safe", "://"] {
                assert!(!text.contains(inline), "{:?} has {inline}", file.path());
            }
            seen += 1;
        }
        assert!(seen > 15, "{seen}");
    }
}
