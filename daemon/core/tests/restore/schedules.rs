//! Requests for a time.

use std::time::Duration;

use ubmc_core::{
    ids::ScheduleId,
    input::{Request, Verb},
    machines::Demand,
    memory::BootCause,
    restore::{At, MOST_SCHEDULES, RestorePolicy},
    time::Wall,
};

use crate::bench::{BEGIN, Bench};

fn on(machine: &str, after: u64) -> Request {
    let at = At::After(Duration::from_secs(after));
    Request::Schedule { machine: machine.into(), verb: Verb::Demand(Demand::On), at }
}

fn waiting(bench: &Bench) -> Vec<ScheduleId> {
    bench.core.schedules().iter().map(|schedule| schedule.id).collect()
}

#[test]
fn at_its_time_it_becomes_an_operation_of_whoever_asked() {
    let mut bench = Bench::new(RestorePolicy::None);
    let id = bench.schedule(on("chassis", 600));
    bench.wait(590);
    assert_eq!((bench.states()[0].as_str(), waiting(&bench)), ("off", vec![id]));
    bench.wait(15);
    assert_eq!((bench.states()[0].as_str(), waiting(&bench)), ("on", vec![]));
    assert_eq!(bench.actors(), ["chassis chassis-on by tester"]);
}

#[test]
fn one_whose_time_passed_while_nobody_ran_is_done_at_the_start() {
    let mut bench = Bench::new(RestorePolicy::None);
    bench.schedule(on("chassis", 600));
    let wall = bench.wall();
    bench.sets_clock(wall + Duration::from_secs(10));
    bench.loses_ac(BootCause::Unknown);
    bench.wait(5);
    assert_eq!(bench.states()[0], "off");
    // The next start is an hour later.
    let mut late = Bench::new(RestorePolicy::None);
    late.memory = bench.memory.clone();
    late.sets_clock(BEGIN + Duration::from_secs(3600));
    late.starts();
    late.wait(5);
    assert_eq!(late.states()[0], "on");
    assert!(waiting(&late).is_empty());
    let begun = late.events.iter().find(|event| event.text.contains("late")).expect("told");
    assert!(begun.text.contains("49 m 59 s late"), "{}", begun.text);
}

#[test]
fn it_follows_the_wall_clock_wherever_that_is_set() {
    let mut bench = Bench::new(RestorePolicy::None);
    bench.schedule(on("chassis", 600));
    let wall = bench.wall();
    bench.sets_clock(BEGIN);
    bench.wait(599);
    assert_eq!(bench.states()[0], "off");
    bench.sets_clock(Wall::new(wall.since_1970().saturating_sub(Duration::from_secs(7200))));
    bench.wait(3600);
    assert_eq!(bench.states()[0], "off", "it was set back two hours");
    bench.sets_clock(wall + Duration::from_secs(601));
    bench.wait(1);
    assert_eq!(bench.states()[0], "on");
    assert_eq!(bench.told("schedule.clock-set").len(), 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut bench = Bench::new(RestorePolicy::None);
    let past = Request::Schedule { machine: "chassis".into(), verb: Verb::Demand(Demand::On), at: At::Wall(BEGIN) };
    let refusal = bench.request(past).unwrap_err();
    assert_eq!(refusal.reason, "IN_THE_PAST");
    assert!(refusal.text.contains("2026-11-20T23:06:40Z has passed"), "{}", refusal.text);
    assert_eq!(bench.request(on("chassis", 86_400 * 400)).unwrap_err().reason, "TOO_FAR");
    assert_eq!(bench.request(on("chasis", 60)).unwrap_err().reason, "UNKNOWN_NAME");
    let nmi = Request::Schedule {
        machine: "chassis".into(),
        verb: Verb::Demand(Demand::Nmi),
        at: At::After(Duration::from_secs(60)),
    };
    assert_eq!(bench.request(nmi).unwrap_err().reason, "UNKNOWN_REQUEST");
    for _ in 0..MOST_SCHEDULES {
        bench.schedule(on("chassis", 60));
    }
    assert_eq!(bench.request(on("chassis", 60)).unwrap_err().reason, "TOO_MANY");
}

#[test]
fn one_that_is_cancelled_does_not_happen() {
    let mut bench = Bench::new(RestorePolicy::None);
    let id = bench.schedule(on("chassis", 60));
    bench.request(Request::CancelSchedule(id)).unwrap();
    assert!(bench.request(Request::CancelSchedule(id)).is_err());
    bench.wait(300);
    assert_eq!(bench.states()[0], "off");
    assert_eq!(bench.told("schedule."), [format!("schedule.{id}.made"), format!("schedule.{id}.cancelled")]);
}

#[test]
fn one_that_is_refused_at_its_time_is_told_with_the_condition() {
    let mut bench = Bench::new(RestorePolicy::None);
    let id = bench.schedule(on("host.0", 60));
    bench.wait(120);
    assert_eq!(waiting(&bench), [id], "it may yet be possible");
    let held_by = bench.core.schedules()[0].held_by.to_owned();
    assert!(held_by.contains("host.0 needs chassis"), "{held_by}");
    bench.wait(700);
    assert!(waiting(&bench).is_empty());
    assert_eq!(bench.told("schedule.at-1.refused").len(), 1);
}
