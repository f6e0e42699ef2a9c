//! Which events somebody wants: by subject pattern and severity.
//!
//! A subject is dotted words. In a pattern `*` stands for exactly one word, and `>`, as the last word, for one or more
//! words: `service.*.exited`, `state.>`. `>` alone is everything.

use ubmc_core::{event::Severity, ids::CauseId};

/// Longest pattern taken, in bytes.
const MAX_PATTERN: usize = 256;
/// Most patterns of one filter.
const MAX_PATTERNS: usize = 64;

/// A checked filter. The default takes everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Any of these; empty: all subjects.
    patterns: Vec<Pattern>,
    /// At least this; absent: any.
    min_severity: Option<Severity>,
    /// Of this cause; absent: any.
    cause: Option<CauseId>,
}

/// Why a text is no subject pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Nothing between two dots, or nothing at all.
    #[error("subject pattern `{0}` has an empty word; write words with one dot between, e.g. `service.*.exited`")]
    EmptyWord(String),
    /// Words after `>`.
    #[error("subject pattern `{0}` goes on after `>`, which already stands for all the rest")]
    AfterRest(String),
    /// A wildcard inside a word would look as if it matched parts of words.
    #[error("in subject pattern `{0}` a wildcard is part of a word; `*` and `>` stand for whole words only")]
    PartOfWord(String),
    /// Longer than any subject.
    #[error("a subject pattern is longer than {MAX_PATTERN} bytes")]
    TooLong,
    /// More than anybody needs.
    #[error("{0} subject patterns are too many; give at most {MAX_PATTERNS}")]
    TooMany(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    words: Vec<Word>,
    /// Ends in `>`.
    rest: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Any,
    Exactly(String),
}

impl Filter {
    /// A filter that takes events whose subject fits any of `patterns` (all subjects when there are none) and that are
    /// at least as serious as `min_severity`.
    pub fn new(patterns: &[String], min_severity: Option<Severity>) -> Result<Self, FilterError> {
        if patterns.len() > MAX_PATTERNS {
            return Err(FilterError::TooMany(patterns.len()));
        }
        let patterns = patterns.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { patterns, min_severity, cause: None })
    }

    /// The same, for what one cause brought about.
    #[must_use]
    pub fn caused_by(self, cause: CauseId) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// Whether what a cause brought about is wanted.
    pub fn takes_cause(&self, cause: CauseId) -> bool {
        self.cause.is_none_or(|wanted| wanted == cause)
    }

    /// Whether an event is wanted.
    pub fn takes(&self, severity: Severity, subject: &str) -> bool {
        self.min_severity.is_none_or(|min| severity >= min)
            && (self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.fits(subject)))
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_PATTERN {
            return Err(FilterError::TooLong);
        }
        let mut words = Vec::new();
        let mut rest = false;
        for word in text.split('.') {
            if rest {
                return Err(FilterError::AfterRest(text.to_owned()));
            }
            match word {
                "" => return Err(FilterError::EmptyWord(text.to_owned())),
                "*" => words.push(Word::Any),
                ">" => rest = true,
                _ if word.contains(['*', '>']) => return Err(FilterError::PartOfWord(text.to_owned())),
                _ => words.push(Word::Exactly(word.to_owned())),
            }
        }
        Ok(Self { words, rest })
    }

    fn fits(&self, subject: &str) -> bool {
        let mut subject = subject.split('.');
        for word in &self.words {
            match (word, subject.next()) {
                (_, None) => return false,
                (Word::Exactly(wanted), Some(found)) if wanted != found => return false,
                (Word::Any | Word::Exactly(_), Some(_)) => {}
            }
        }
        // `>` is at least one more word; without it nothing may be left.
        subject.next().is_some() == self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, fits: &[&str], does_not: &[&str]) {
        let filter = Filter::new(&[pattern.to_owned()], None).unwrap();
        for subject in fits {
            assert!(filter.takes(Severity::Debug, subject), "{pattern} should take {subject}");
        }
        for subject in does_not {
            assert!(!filter.takes(Severity::Critical, subject), "{pattern} should not take {subject}");
        }
    }

    #[test]
    fn a_star_is_one_word_and_an_angle_is_the_rest() {
        check(
            "service.web.exited",
            &["service.web.exited"],
            &["service.web", "service.web.exited.x", "service.we.exited"],
        );
        check(
            "service.*.exited",
            &["service.web.exited"],
            &["service.exited", "service.a.b.exited", "state.web.exited"],
        );
        check("service.>", &["service.web", "service.web.exited"], &["service", "services.web"]);
        check("*", &["daemon"], &["service.web"]);
        check(">", &["daemon", "state.host.0.transition"], &[]);
        check("state.*.0.>", &["state.host.0.transition"], &["state.host.0", "state.host.1.transition"]);
        check("*.*", &["a.b"], &["a", "a.b.c"]);
    }

    #[test]
    fn several_patterns_take_what_any_of_them_takes() {
        let filter = Filter::new(&["service.>".into(), "sensor.*.threshold".into()], None).unwrap();
        for (subject, taken) in [("service.web.ready", true), ("sensor.x.threshold", true), ("sensor.x.read", false)] {
            assert_eq!(filter.takes(Severity::Info, subject), taken, "{subject}");
        }
    }

    #[test]
    fn severity_is_a_lower_bound() {
        let filter = Filter::new(&[], Some(Severity::Warning)).unwrap();
        for (severity, taken) in
            [(Severity::Debug, false), (Severity::Notice, false), (Severity::Warning, true), (Severity::Critical, true)]
        {
            assert_eq!(filter.takes(severity, "a"), taken, "{severity}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for (pattern, sentence) in [
            ("", "empty word"),
            ("service.", "empty word"),
            (".web", "empty word"),
            ("service..exited", "empty word"),
            (">.exited", "goes on after"),
            ("serv*.web", "part of a word"),
            ("service.>>", "part of a word"),
        ] {
            let error = Filter::new(&[pattern.to_owned()], None).unwrap_err().to_string();
            assert!(error.contains(sentence), "{pattern}: {error}");
        }
        assert_eq!(Filter::new(&["a".repeat(257)], None), Err(FilterError::TooLong));
        assert_eq!(Filter::new(&vec!["a".into(); 65], None), Err(FilterError::TooMany(65)));
    }
}
