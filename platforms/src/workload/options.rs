//! `--key value` pairs, of which each kind of workload knows its own.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

/// Longer than anything runs.
const MAX_SECONDS: f64 = 1e8;

/// What was given.
#[derive(Debug)]
pub(super) struct Options(BTreeMap<String, String>);

impl Options {
    /// Takes `--key value` and `--key=value`; `known` entries look like `--key V`.
    pub(super) fn parse(args: impl Iterator<Item = String>, known: &[&str]) -> Result<Self, String> {
        let mut options = BTreeMap::new();
        let mut args = args;
        while let Some(arg) = args.next() {
            let (key, value) = match arg.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (arg, None),
            };
            if !known.iter().any(|known| known.split(' ').next() == Some(&key)) {
                return Err(format!("unknown option `{key}`; it takes: {}", known.join(", ")));
            }
            let value = value.or_else(|| args.next()).ok_or_else(|| format!("`{key}` needs a value"))?;
            if options.insert(key.clone(), value).is_some() {
                return Err(format!("`{key}` is given twice"));
            }
        }
        Ok(Self(options))
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub(super) fn number<T: FromStr>(&self, key: &str, default: T) -> Result<T, String> {
        self.text(key).map_or(Ok(default), |text| {
            text.parse().map_err(|_| format!("`{key} {text}` is not a number that fits here"))
        })
    }

    pub(super) fn seconds(&self, key: &str) -> Result<Option<Duration>, String> {
        let Some(text) = self.text(key) else { return Ok(None) };
        text.parse::<f64>()
            .ok()
            .filter(|seconds| (0.0..=MAX_SECONDS).contains(seconds))
            .map(|seconds| Some(Duration::from_secs_f64(seconds)))
            .ok_or_else(|| format!("`{key} {text}` is not a number of seconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str], expected: Result<&[(&str, &str)], &str>) {
        let parsed = Options::parse(args.iter().map(ToString::to_string), &["--for S", "--code C"]);
        match (parsed, expected) {
            (Ok(options), Ok(expected)) => {
                let given: Vec<_> = options.0.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
                assert_eq!(given, expected);
            }
            (parsed, expected) => assert_eq!(parsed.map(|_| ()).unwrap_err(), expected.unwrap_err()),
        }
    }

    #[test]
    fn options_are_known_whole_and_given_once() {
        check(&[], Ok(&[]));
        check(&["--for", "3", "--code=7"], Ok(&[("--code", "7"), ("--for", "3")]));
        check(&["--four", "3"], Err("unknown option `--four`; it takes: --for S, --code C"));
        check(&["--for"], Err("`--for` needs a value"));
        check(&["--for", "3", "--for", "4"], Err("`--for` is given twice"));
    }

    #[test]
    fn seconds_are_finite_and_not_negative() {
        for (text, expected) in [("0.25", Some(250)), ("-1", None), ("nan", None), ("inf", None), ("soon", None)] {
            let options = Options::parse(["--for".into(), text.into()].into_iter(), &["--for S"]).unwrap();
            let seconds = options.seconds("--for").ok().flatten();
            assert_eq!(seconds, expected.map(Duration::from_millis), "{text}");
        }
    }
}
