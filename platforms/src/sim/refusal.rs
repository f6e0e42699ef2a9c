//! Why a simulated board does not do what it is told; the texts are for the person who typed it.

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimRefusal {
    /// No such kind of fault.
    #[error("there is no fault kind `{kind}`{}", hint(.nearest.as_ref()))]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A fault of this kind cannot be put there.
    #[error("`{kind}` cannot be put on `{target}`{}; it takes {takes}", hint(.nearest.as_ref()))]
    UnknownTarget {
        /// Which kind.
        kind: &'static str,
        /// What was asked for.
        target: String,
        /// What the kind takes.
        takes: &'static str,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// Nothing of that name can be set.
    #[error("`{name}` cannot be set{}; `ambient`, `speed`, `filter_clogging` and `host.N.load` can", hint(.nearest.as_ref()))]
    UnknownSetting {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The value is not possible.
    #[error("{value} is not possible for `{name}`: {allowed}")]
    OutOfRange {
        /// Of what.
        name: String,
        /// As given.
        value: String,
        /// What is.
        allowed: &'static str,
    },
    /// The fault is not active, so it cannot be cleared.
    #[error("`{kind}` is not active on `{target}`")]
    NotActive {
        /// Which kind.
        kind: &'static str,
        /// Where; `any target` when none was named.
        target: String,
    },
    /// Nothing of that name.
    #[error("the simulated board has no {what} `{name}`{}", hint(.nearest.as_ref()))]
    NoSuch {
        /// Of what kind, e.g. `line`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The BMC only reads this line.
    #[error("`{line}` is driven by the hardware, not by the BMC")]
    NotAnOutput {
        /// Which.
        line: String,
    },
    /// The fan chip does not take the write: an injected fault.
    #[error("the fan chip did not acknowledge the duty for `{fan}`")]
    WriteFailed {
        /// Which.
        fan: String,
    },
    /// The bus hangs: an injected fault.
    #[error("bus `{bus}` hangs")]
    BusHangs {
        /// Which.
        bus: String,
    },
}

fn hint(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

/// The candidate that was probably meant: few enough letters differ.
pub(super) fn nearest(wanted: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(wanted, &candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + wanted.len().max(candidate.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
