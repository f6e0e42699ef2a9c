//! The daemon's own log, on stderr. Events of the managed system are written to it by the journal task.

use std::io::IsTerminal;

use tracing_subscriber::{
    filter::{LevelFilter, ParseError, Targets},
    fmt,
    layer::SubscriberExt,
    registry,
    util::SubscriberInitExt,
};

use crate::args::LogFormat;

/// Switches logging on for the whole process. `filter` is the text of `RUST_LOG`, e.g. `debug` or `ubmcd::api=trace`;
/// without one it is `info`. A filter that cannot be read is told and `info` used: a typo must not keep a BMC down.
pub fn init(format: LogFormat, filter: Option<&str>) {
    let (targets, complaint) = targets(filter);
    let text = matches!(format, LogFormat::Text);
    // Supervisors and terminals add the time themselves; in a file or a pipe it is needed.
    let layer = fmt::layer().with_writer(std::io::stderr);
    let registered = if text {
        registry().with(targets).with(layer.with_ansi(std::io::stderr().is_terminal()).with_target(false)).try_init()
    } else {
        registry().with(targets).with(layer.json().flatten_event(true)).try_init()
    };
    if let (Ok(()), Some(error)) = (registered, complaint) {
        tracing::warn!("RUST_LOG is not understood and taken as `info`: {error}");
    }
}

fn targets(filter: Option<&str>) -> (Targets, Option<ParseError>) {
    let info = || Targets::new().with_default(LevelFilter::INFO);
    match filter.filter(|text| !text.trim().is_empty()).map(str::parse::<Targets>) {
        None => (info(), None),
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (info(), Some(error)),
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_falls_back_to_info() {
        for (filter, debug, complains) in [
            (None, false, false),
            (Some("  "), false, false),
            (Some("debug"), true, false),
            (Some("ubmcd=debug"), true, false),
            (Some("ubmcd=loud"), false, true),
        ] {
            let (targets, complaint) = targets(filter);
            assert_eq!(targets.would_enable("ubmcd::shell", &Level::DEBUG), debug, "{filter:?}");
            assert!(targets.would_enable("ubmcd::shell", &Level::INFO), "{filter:?}");
            assert_eq!(complaint.is_some(), complains, "{filter:?}");
        }
    }
}
