//! `lookback init`

use std::io::Write;
use std::path::Path;

use crate::cli::{Global, Init};
use crate::config::DEFAULT_FILE;
use crate::failure::Failure;
use crate::print;

const TEMPLATE: &str = include_str!("init.toml");

pub(crate) fn run(global: &Global, arguments: &Init) -> Result<u8, Failure> {
    let path = global.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    if arguments.force {
        options.truncate(true);
    } else {
        options.create_new(true);
    }
    let shown = path.display();
    let written = options.open(path).and_then(|mut file| file.write_all(TEMPLATE.as_bytes()));
    written.map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::usage(format!("{shown} exists")).advise("--force replaces it"),
        _ => Failure::failed(format!("writing {shown}: {e}")),
    })?;
    print::line(format!("wrote {shown}\nnext: name your clusters in it, then run `lookback check`"))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::TEMPLATE;

    #[test]
    fn the_template_is_a_configuration_also_with_its_comments_taken_away() {
        let whole: Result<lookback_exporter::Settings, _> = toml::from_str(TEMPLATE);
        assert!(whole.is_ok(), "{whole:?}");
        let open: Vec<&str> = TEMPLATE.lines().map(|l| l.strip_prefix("#: ").unwrap_or(l)).collect();
        let all: Result<lookback_exporter::Settings, _> = toml::from_str(&open.join("\n"));
        assert!(all.is_ok(), "{all:?}");
        assert_eq!(all.map(|s| s.clusters.len()).unwrap_or(0), 1);
    }

    #[test]
    #[cfg(feature = "query")]
    fn the_server_reads_its_section() {
        let open: Vec<&str> = TEMPLATE.lines().map(|l| l.strip_prefix("#: ").unwrap_or(l)).collect();
        let all: toml::Table = toml::from_str(&open.join("\n")).unwrap_or_default();
        let read = all.get("serve").cloned().map(toml::Value::try_into::<lookback_server::settings::Settings>);
        assert!(matches!(&read, Some(Ok(settings)) if settings.users.len() == 1), "{read:?}");
    }
}
