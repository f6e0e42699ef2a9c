//! Oneshots that run once per boot or power-on.

use crate::script::check;

#[test]
fn what_was_done_in_this_boot_is_not_done_again_when_the_daemon_comes_back() {
    check(
        r"
        service job auto once=bmc-boot
        service web auto needs=job
        past job
        0s   list -> spawn web#1; job completed; job skipped; web running; job completed, web running
        1d        ->
        ",
    );
}

#[test]
fn what_is_done_is_remembered_before_anything_else_happens() {
    check(
        r"
        service job auto once=bmc-boot
        service web auto needs=job
        1s   exit job#1 0 -> spawn job#1; web waiting; kill job#1; spawn web#2; remember job; job completed; web running
        ",
    );
}

#[test]
fn what_failed_is_not_done() {
    check(
        r"
        service job auto once=bmc-boot delay=1s
        1s   exit job#1 3 -> spawn job#1; kill job#1; job backoff
        2s                -> spawn job#2; job stopped
        3s   exit job#2 0 -> kill job#2; remember job; job completed
        ",
    );
}

#[test]
fn an_operator_may_have_it_done_again_and_only_by_force() {
    check(
        r"
        service job auto once=bmc-boot
        past job
        1s   start job       -> job completed; job skipped; op-1 succeeded
        2s   start job force -> spawn job#1; remember nothing; job stopped
        3s   exit job#1 0    -> kill job#1; remember job; job completed; op-2 succeeded
        4s   restart job     -> spawn job#2; remember nothing; job stopped
        5s   exit job#2 0    -> kill job#2; remember job; job completed; op-3 succeeded
        ",
    );
}

#[test]
fn what_runs_once_per_power_on_waits_for_one_and_holds_up_no_group() {
    check(
        r"
        service job auto once=chassis-power group=foundation
        service web auto group=interface
        service tool needs=job
        0s   list         -> spawn web#1; job waiting; web running; job waiting, tool stopped, web running
        1s   explain job  -> job is waiting: runs once per power-on of the chassis, and there was none yet
        2s   start tool   -> tool waiting
        3s   explain tool -> tool is waiting because job is waiting: runs once per power-on of the chassis, and there was none yet
        ",
    );
}
