//! Ten thousand worlds in the ordinary run; `UBMC_WORLDS` and `UBMC_SEED` choose others.

use ubmc_tests::world::{hardware, run_all, seeds, services};

#[test]
fn services_hold_their_invariants_in_every_world() {
    if let Err(violation) = run_all(seeds(0, 10_000), services::run) {
        panic!("{violation}");
    }
}

#[test]
fn a_world_is_a_function_of_its_seed() {
    for seed in seeds(0, 200) {
        if let Err(violation) = services::is_deterministic(seed) {
            panic!("{violation}");
        }
    }
}

#[test]
fn hardware_is_safe_in_every_world() {
    if let Err(violation) = run_all(seeds(0, 500), hardware::run) {
        panic!("{violation}");
    }
}

#[test]
fn whoever_dies_and_whatever_power_is_lost_policies_hold() {
    if let Err(violation) = run_all(seeds(0, 300), hardware::run_with_outages) {
        panic!("{violation}");
    }
}

#[test]
fn recorded_inputs_replayed_lead_to_the_same() {
    for seed in seeds(0, 200) {
        if let Err(violation) = services::replays(seed) {
            panic!("{violation}");
        }
    }
}
