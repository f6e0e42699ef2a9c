//! LEDs on the simulated board: what they show by themselves, who holds one, and what becomes of one that is broken. In
//! simulated time.

use ubmc_core::{input::Request, leds::Pattern};
use ubmc_platforms::sim::InitialPower;
use ubmc_tests::plant::{Plant, script::check};

#[test]
fn roles_follow_the_states_of_the_machine() {
    check(
        "
        given off
        within 1s: led power off
        within 1s: led status on
        within 1s: led fault off
        within 1s: led identify off
        inject power-good-never chassis
        ask chassis on
        within 2s: led power blink
        within 30s: led power off
        within 1s: led fault on
        clear
        ask chassis on
        within 10s: led power on
        within 30s: led fault off
        ask bmc maintenance-on
        within 2s: led status blink
        ask bmc maintenance-off
        within 2s: led status on
        ",
    );
}

#[test]
fn identify_ends_by_itself_or_when_told_and_leaves_its_led_as_it_was() {
    check(
        "
        given off
        identify on 30
        within 1s: event led.identify notice identify is on for 30 s
        for 29s: led identify blink
        within 2s: led identify off
        within 1s: event led.identify notice identify is off
        identify on
        for 100s: led identify blink
        identify off
        within 1s: led identify off
        ",
    );
}

#[test]
fn an_led_that_is_held_follows_its_policy_of_that_moment_afterwards() {
    check(
        "
        given running
        hold power fast-blink 60
        within 1s: event led.power.set notice held at fast-blink by engineer for 1 m
        for 30s: led power fast-blink
        ask chassis off
        for 29s: led power fast-blink
        within 2s: event led.power.auto info
        within 30s: led power off
        hold power on
        for 100s: led power on
        hold power auto
        within 1s: event led.power.auto notice given back by engineer
        within 1s: led power off
        ",
    );
}

#[test]
fn who_holds_an_led_last_holds_it() {
    check(
        "
        given off
        hold fault on 10
        hold fault blink 60
        for 30s: led fault blink
        hold fault off
        for 60s: no event led.fault.auto
        within 1s: led fault off
        identify on 60
        hold identify off
        within 1s: led identify off
        for 90s: no event led.identify
        identify off
        within 1s: one event led.identify
        ",
    );
}

#[test]
fn a_broken_led_is_told_once_and_so_is_that_it_works_again() {
    check(
        "
        given off
        break power
        inject power-good-never chassis
        ask chassis on
        within 2s: event led.power.write-failed warning no such device
        within 1s: problem led-failed power
        for 60s: one event led.power.write-failed
        clear
        ask chassis on
        for 20s: led power off
        mend power
        within 11s: led power on
        within 10s: event led.power.write-restored notice
        within 1s: no problem led-failed
        ",
    );
}

#[test]
fn a_name_that_no_led_has_is_refused_with_the_nearest() {
    let mut plant = Plant::new(InitialPower::Off, &[]);
    let request = Request::SetLed { led: "falt".into(), pattern: Some(Pattern::On), duration: None };
    let refusal = plant.ask(request).expect_err("there is none");
    assert_eq!((refusal.reason, &*refusal.text), ("UNKNOWN_NAME", "there is no LED `falt`; did you mean `fault`?"));
    assert!(plant.events().iter().all(|event| !event.subject.starts_with("led.falt")));
}
