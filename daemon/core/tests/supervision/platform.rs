//! The platform as a whole: groups, boot, shutdown, and refusals.

use crate::script::check;

#[test]
fn groups_come_up_one_after_the_other_and_go_down_in_reverse() {
    check(
        r"
        service ui auto group=interface
        service mgmt auto group=management
        service base auto group=foundation ready=notify
        service fans auto group=core protects
        0s   ready base#1   -> spawn base#1; fans waiting; mgmt waiting; ui waiting; spawn fans#2; base running; spawn mgmt#3; fans running; spawn ui#4; mgmt running; ui running
        1s   shutdown       -> term ui#4
        2s   exit ui#4 0    -> term mgmt#3; ui stopped
        3s   exit mgmt#3 0  -> term base#1; mgmt stopped
        4s   exit base#1 0  -> term fans#2; base stopped
        5s   exit fans#2 0  -> exit; fans stopped
        ",
    );
}

#[test]
fn a_group_does_not_wait_for_a_member_that_keeps_crashing() {
    check(
        r"
        service bad auto group=foundation delay=10s ready=notify
        service ui auto group=interface
        0s   exit bad#1 1   -> spawn bad#1; ui waiting; kill bad#1; spawn ui#2; bad backoff; ui running
        ",
    );
}

#[test]
fn a_boot_that_takes_too_long_goes_on_without_those_that_are_late() {
    check(
        r"
        service late auto group=foundation ready=notify start_timeout=1h
        service ui auto group=interface
        89s                 -> spawn late#1; ui waiting
        90s                 -> spawn ui#2; ui running
        ",
    );
}

#[test]
fn an_emergency_stop_kills_at_once_but_what_protects_hardware_is_asked_last() {
    check(
        r"
        service fans auto protects
        service a auto stop_timeout=1h
        service b auto needs=a
        0s   emergency      -> spawn a#1; spawn fans#2; b waiting; spawn b#3; a running; b running; fans running; kill a#1; kill b#3
        0s   exit b#3 SIG9  -> b stopped
        0s   exit a#1 SIG9  -> term fans#2; a stopped
        1s   exit fans#2 0  -> exit; fans stopped
        ",
    );
}

#[test]
fn the_api_stays_until_no_process_is_left_to_be_watched() {
    check(
        r"
        service sensormon auto builtin group=core protects
        service api auto builtin group=interface needs=sensormon
        service slow auto group=foundation
        service web auto group=interface
        0s   shutdown           -> spawn slow#1; begin sensormon#2; api waiting; web waiting; slow running; begin api#3; spawn web#4; sensormon running; api running; web running; term web#4
        1s   exit web#4 0       -> term slow#1; web stopped
        2s   why api            -> waits for slow to stop first
        3s   exit slow#1 0      -> end api#3; slow stopped
        4s   exit api#3 0       -> end sensormon#2; api stopped
        5s   exit sensormon#2 0 -> exit; sensormon stopped
        ",
    );
}

#[test]
fn a_shutdown_during_start_does_not_stick_and_always_ends() {
    check(
        r"
        service db auto ready=notify
        service web auto needs=db
        0s   shutdown       -> spawn db#1; web waiting; term db#1; web stopped
        10s                 -> kill db#1
        15s                 -> exit; db failed
        ",
    );
}

#[test]
fn nothing_starts_while_everything_stops() {
    check(
        r"
        service x auto
        0s   shutdown       -> spawn x#1; x running; term x#1
        1s   start x        -> refused: the daemon is shutting down
        2s   exit x#1 0     -> exit; x stopped
        ",
    );
}

#[test]
fn unknown_names_are_refused_with_the_nearest_one() {
    check(
        r"
        service telemetry
        0s   start telemetri -> refused: there is no service `telemetri`; did you mean `telemetry`?
        0s   stop xyz        -> refused: there is no service `xyz`
        ",
    );
}

#[test]
fn a_deployment_that_cannot_be_run_is_refused_with_a_sentence() {
    check(
        r"
        service dns docker
        0s   start dns -> refused: cannot start dns: dns is deployed by `docker`, which this version cannot run
        ",
    );
}

#[test]
fn a_start_of_everything_is_not_refused_for_one_that_cannot_be_started() {
    check(
        r"
        service dns auto docker
        service web auto
        0s   stop web     -> spawn web#1; dns failed; web running; term web#1
        0s   exit web#1 0 -> web stopped; op-1 succeeded
        1s   start        -> spawn web#2; dns stopped; dns failed; web running; op-2 failed
        ",
    );
}

#[test]
fn tasks_of_our_own_do_not_wait_for_groups() {
    check(
        r"
        service hang auto group=foundation ready=notify
        service thermalmgr auto builtin group=core protects
        service api auto builtin group=interface
        service web auto group=interface
        0s   list         -> spawn hang#1; begin thermalmgr#2; begin api#3; web waiting; thermalmgr running; api running; hang starting, thermalmgr running, api running, web waiting
        0s   explain web  -> web is waiting because hang is starting: waits for READY=1, for at most 30 s more
        1s   ready hang#1 -> spawn web#4; hang running; web running
        ",
    );
}
