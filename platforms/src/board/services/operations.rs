//! `required_for`: the operations that a service is needed for. Any name may be one, because whoever asks
//! `services check NAME` decides what it means; but those that ubmcd itself runs have names of their own.

use ubmc_core::{
    machines::MachineKind,
    operations::{book::kind_of, plan::verbs_of},
};

use crate::board::{source::At, table::Context};

/// Kinds of operations on machines, e.g. `host-on`.
fn built_in() -> Vec<String> {
    let kinds = [MachineKind::Host, MachineKind::Chassis, MachineKind::Bmc];
    kinds.into_iter().flat_map(|kind| verbs_of(kind).iter().map(move |verb| kind_of(kind, *verb))).collect()
}

/// The operation that a free name is probably a slip of: written with other separators, or a letter off (two, in long
/// names).
fn meant<'a>(wanted: &str, known: &'a [String]) -> Option<&'a str> {
    if known.iter().any(|known| known == wanted) {
        return None;
    }
    let plain = wanted.to_lowercase().replace(['_', '.', ' '], "-");
    let off = |known: &&String| strsim::damerau_levenshtein(&plain, known);
    let nearest = known.iter().min_by_key(off)?;
    let allowed = if nearest.len() > 10 { 2 } else { 1 };
    (off(&nearest) <= allowed).then_some(nearest)
}

/// Warns of names that are nearly those of operations which ubmcd runs.
pub(super) fn check(required_for: &[At<String>], who: &str, cx: &mut Context<'_>) {
    if required_for.is_empty() {
        return;
    }
    let known = built_in();
    for operation in required_for {
        if operation.value.trim().is_empty() {
            cx.out.error(operation.at, format!("{who} is required for an operation without a name"));
        } else if let Some(known) = meant(&operation.value, &known) {
            cx.out
                .warning(operation.at, format!("{who} is required for `{}`, which ubmcd never runs", operation.value))
                .meant(Some(known))
                .help("a name of your own is good, too: this one only looks like a slip");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_built_in_operations_are_told_from_names_of_ones_own() {
        let known = built_in();
        let check = |wanted: &str, expected: Option<&str>| assert_eq!(meant(wanted, &known), expected, "{wanted}");
        for known in &known {
            check(known, None);
        }
        check("host_on", Some("host-on"));
        check("Host-Reset", Some("host-reset"));
        check("host-fore-off", Some("host-force-off"));
        check("chassis-emergency_of", Some("chassis-emergency-off"));
        check("bmc-maintenace-on", Some("bmc-maintenance-on"));
        for free in [
            "server",
            "taskserv",
            "cluster",
            "workflow",
            "batch",
            "deploy",
            "test-env",
            "host",
            "remote-management",
            "chassis",
        ] {
            check(free, None);
        }
    }
}
