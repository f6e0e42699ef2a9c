//! LEDs on the simulated board: what they show by themselves, who holds one, and what becomes of one that is broken. In
//! simulated time, but for the last.

use ubmc_core::{input::Request, leds::Pattern};
use ubmc_platforms::sim::InitialPower;
use ubmc_tests::{
    daemon::{Ubmcd, eventually},
    plant::{Plant, script::check},
};

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
        within 30s: led fault on
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

#[test]
fn an_led_is_held_and_given_back_from_the_command_line() {
    let ubmcd = Ubmcd::with_services("");
    let led = |name: &str| {
        let leds = ubmcd.json(&["leds", "list"]);
        leds.as_array().and_then(|leds| leds.iter().find(|led| led["name"] == name).cloned()).expect("an LED")
    };
    let shows = |number: f64| {
        eventually("the LED shows it", || {
            let state = ubmcd.json(&["sim", "show"]);
            let led = state["values"].as_array()?.iter().find(|value| value["name"] == "led.identify")?;
            (led["value"].as_f64() == Some(number)).then_some(())
        });
    };
    eventually("the BMC is ready", || (led("status")["pattern"] == "on").then_some(()));
    assert_eq!(ubmcd.code(&["leds", "set", "identify", "fast-blink", "--for", "3600", "--reason", "look here"]), 0);
    shows(3.0);
    let held = led("identify");
    assert_eq!(held["pattern"], "fast-blink");
    assert!(held["left_s"].as_f64().is_some_and(|left| (3500.0..=3600.0).contains(&left)), "{held}");
    assert!(held["held_by"].as_str().is_some_and(|by| by.starts_with("uid ")), "{held}");
    let events = ubmcd.json(&["events", "list", "--subject", "led.identify.set"]);
    assert!(events[0]["text"].as_str().is_some_and(|text| text.ends_with("for 1 h 0 m: look here")), "{events}");
    assert_eq!(events[0]["actor"], held["held_by"]);
    assert_eq!(ubmcd.code(&["leds", "set", "identify", "auto"]), 0);
    shows(0.0);
    assert!(led("identify")["held_by"].is_null());
    let output = ubmcd.ctl(&["leds", "set", "identfy", "on"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `identify`?"));
    assert_eq!(ubmcd.code(&["leds", "set", "identify", "auto", "--for", "5"]), 2);
    assert_eq!(ubmcd.code(&["leds", "set", "identify", "purple"]), 2);
}
