//! What a name that there is not was meant to be.

/// The nearest of `known` to a name that is none of them; of equals the first. None: nothing is near enough, for a name
/// of which more than a third is wrong was not mistyped.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = |other: &'k str| {
        let wrong = strsim::damerau_levenshtein(name, other);
        let letters = name.chars().count().max(other.chars().count());
        (wrong * 3 <= letters).then_some((wrong, other))
    };
    known.into_iter().filter_map(near).min_by_key(|(wrong, _)| *wrong).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mistyped_is_told_from_what_was_not() {
        for (name, known, expected) in [
            ("host.7", &["chassis", "host.0", "host.1"][..], Some("host.0")),
            ("cp", &["cpu", "system"], Some("cpu")),
            ("a", &["b"], None),
            ("wbe", &["web"], Some("web")),
            ("wxy", &["web"], None),
            // Six bytes, but two of three letters are wrong.
            ("äöü", &["äab"], None),
            ("web", &[], None),
        ] {
            assert_eq!(nearest(name, known.iter().copied()), expected, "{name} among {known:?}");
        }
    }
}
