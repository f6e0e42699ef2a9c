//! The boards that are part of the program load, and are what CONTRACT.md says they are.

use std::collections::{BTreeMap, BTreeSet};

use ubmc_core::services::{Deployment, Group, Run};
use ubmc_platforms::board::{LoadOptions, Loaded, NameOrFile, load, shipped};

fn loaded(name: &str) -> Loaded {
    let vars = BTreeMap::from([("UBMC_BIN_DIR".to_owned(), "/usr/libexec".to_owned())]);
    let options = LoadOptions { board: NameOrFile::from(name), registries: Vec::new(), services_dir: None, vars };
    load(&options).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_shipped_board_loads_without_a_warning() {
    for name in shipped::boards() {
        let loaded = loaded(name);
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        assert_eq!(loaded.board.name, name);
    }
}

#[test]
fn sim_2u_has_what_the_contract_names() {
    let Loaded { board, bindings, sim, .. } = loaded("sim-2u");
    assert!(sim.is_some());
    assert_eq!(board.sensors.len(), 30);
    for sensor in "inlet_temp outlet_temp host0_cpu_temp host1_cpu_temp host0_dimm_temp host1_dimm_temp psu0_temp \
                   psu1_temp psu0_power psu1_power p12v p3v3 fan0_speed fan1_speed fan2_speed fan3_speed fan4_speed fan5_speed"
        .split_whitespace()
    {
        assert!(board.find_sensor(sensor).is_some(), "{sensor}");
    }
    let names = |names: Vec<&str>| names.join(" ");
    assert_eq!(names(board.machines.iter().map(|m| m.name.as_str()).collect()), "chassis host.0 host.1 bmc");
    assert_eq!(names(board.supplies.iter().map(|s| s.name.as_str()).collect()), "psu.0 psu.1");
    assert_eq!(names(board.fans.iter().map(|f| f.name.as_str()).collect()), "fan.0 fan.1 fan.2 fan.3 fan.4 fan.5");
    assert_eq!(names(board.zones.iter().map(|z| z.name.as_str()).collect()), "cpu system");
    assert_eq!(names(board.leds.iter().map(|l| l.name.as_str()).collect()), "power status fault identify");
    assert_eq!(bindings.sensors.len(), board.sensors.len());
    assert_eq!(bindings.signals.len(), board.signals.len());
    assert_eq!(bindings.fans.len(), board.fans.len());
    assert_eq!(bindings.leds.len(), board.leds.len());
}

#[test]
fn sim_2u_runs_every_task_and_six_processes_in_all_groups() {
    let services = loaded("sim-2u").board.services;
    let tasks: BTreeSet<_> = services
        .iter()
        .filter_map(|service| match service.deployment {
            Deployment::Builtin(task) => Some(task),
            _ => None,
        })
        .collect();
    assert_eq!(tasks.len(), 8);
    let processes: Vec<_> =
        services.iter().filter(|service| matches!(service.deployment, Deployment::Binary(_))).collect();
    assert!(processes.len() >= 6);
    for group in Group::ALL {
        assert!(services.iter().any(|service| service.group == group), "{group}");
    }
    assert!(processes.iter().any(|service| matches!(service.run, Run::Oneshot { once_per: Some(_) })));
    assert!(services.iter().all(|service| !service.description.is_empty()));
}
