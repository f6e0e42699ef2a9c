//! Order: who waits for whom, and who is pulled up.

use crate::script::check;

#[test]
fn a_dependency_is_ready_before_its_dependent_is_spawned_and_goes_when_nothing_wants_it() {
    check(
        r"
        service db ready=notify
        service web needs=db
        0s   start web     -> spawn db#1; web waiting
        1s   ready db#1    -> spawn web#2; db running; web running; op-1 succeeded
        2s   stop web      -> term web#2
        3s   exit web#2 0  -> term db#1; web stopped; op-2 succeeded
        4s   exit db#1 0   -> db stopped
        ",
    );
}

#[test]
fn of_two_dependents_one_stops_and_the_dependency_stays() {
    check(
        r"
        service db
        service a needs=db
        service b needs=db
        0s   start a b     -> spawn db#1; a waiting; b waiting; spawn a#2; spawn b#3; db running; a running; b running; op-1 succeeded
        1s   stop a        -> term a#2
        1s   exit a#2 0    -> a stopped; op-2 succeeded
        9s                 ->
        ",
    );
}

#[test]
fn what_is_only_wanted_may_fail_and_the_start_goes_on() {
    check(
        r"
        service cache ready=notify start_timeout=5s restart=never
        service web wants=cache
        0s   start web         -> spawn cache#1; web waiting
        5s                     -> term cache#1
        6s   exit cache#1 0    -> spawn web#2; cache failed; web running; op-1 succeeded
        6s   why cache         -> start timed out: no READY=1 within 5 s; its restart policy is never
        ",
    );
}

#[test]
fn after_and_before_order_but_never_pull_in() {
    check(
        r"
        service a after=b
        service b before=c
        service c
        0s   start a       -> spawn a#1; a running; op-1 succeeded
        1s   start c       -> spawn c#2; c running; op-2 succeeded
        ",
    );
    check(
        r"
        service a after=b
        service b ready=notify
        0s   start a b     -> spawn b#1; a waiting
        1s   why a         -> comes after b, which is starting
        2s   ready b#1     -> spawn a#2; b running; a running; op-1 succeeded
        3s   stop a b      -> term a#2
        4s   exit a#2 0    -> term b#1; a stopped
        5s   exit b#1 0    -> b stopped; op-2 succeeded
        ",
    );
}

#[test]
fn everything_whose_dependencies_are_met_starts_at_once() {
    check(
        r"
        service a ready=notify
        service b ready=notify
        service c needs=a,b
        0s   start c       -> spawn a#1; spawn b#2; c waiting
        1s   ready b#2     -> b running
        2s   ready a#1     -> spawn c#3; a running; c running; op-1 succeeded
        ",
    );
}

#[test]
fn a_dependency_that_fails_fails_its_dependent_and_brings_it_up_when_it_recovers() {
    check(
        r"
        service db exec=fails
        service web needs=db
        0s   start web     -> spawn db#1; web waiting; db failed; web failed; op-1 failed
        0s   why db        -> exec failed: /x: no such file or directory
        0s   why web       -> needs db, which has failed: exec failed: /x: no such file or directory
        9s   start db      -> spawn db#2; db stopped; web waiting; db failed; web failed; op-2 failed
        ",
    );
    check(
        r"
        service db burst=1 delay=1s
        service web needs=db
        0s   start web     -> spawn db#1; web waiting; spawn web#2; db running; web running; op-1 succeeded
        1s   exit db#1 7   -> kill db#1; term web#2; db backoff
        1s   exit web#2 0  -> web stopped; web waiting
        2s                 -> spawn db#3; db stopped; spawn web#4; db running; web running
        3s   exit db#3 7   -> kill db#3; term web#4; db failed
        3s   exit web#4 0  -> web stopped; web failed
        4s   start db      -> spawn db#5; db stopped; web waiting; spawn web#6; db running; op-2 succeeded; web running
        ",
    );
}

#[test]
fn a_transitive_failure_names_its_root() {
    check(
        r"
        service a exec=fails
        service b needs=a
        service c needs=b
        0s   start c       -> spawn a#1; b waiting; c waiting; a failed; b failed; c failed; op-1 failed
        0s   why c         -> needs b; a has failed: exec failed: /x: no such file or directory
        ",
    );
}

#[test]
fn conflicting_services_are_never_up_together() {
    check(
        r"
        service coredns conflicts=dnsmasq
        service dnsmasq
        0s   start dnsmasq    -> spawn dnsmasq#1; dnsmasq running; op-1 succeeded
        1s   start coredns    -> refused: cannot start coredns: coredns conflicts with dnsmasq
        2s   stop dnsmasq     -> term dnsmasq#1
        2s   exit dnsmasq#1 0 -> dnsmasq stopped; op-2 succeeded
        3s   start coredns    -> spawn coredns#2; coredns running; op-3 succeeded
        4s   start dnsmasq    -> refused: cannot start dnsmasq: dnsmasq conflicts with coredns
        ",
    );
}

#[test]
fn a_start_delay_comes_after_the_dependencies_and_before_the_spawn() {
    check(
        r"
        service db ready=notify
        service web needs=db start_delay=2s
        0s   start web     -> spawn db#1; web waiting
        1s   ready db#1    -> db running
        2s   why web       -> start delay of 2 s
        3s                 -> spawn web#2; web running; op-1 succeeded
        ",
    );
}
