//! The state manager on the shipped simulated board, in simulated time: what users of such software complain about, the
//! known holes of what went before (each is a line of a scenario here), interlocks, policies, retries, cancelling.

use ubmc_tests::scenarios;

scenarios! {
    what_is_on_at_start_is_found_on_and_nothing_is_driven: "
        given running
        within 1s: machine host.0 running
        within 1s: machine chassis on
        for 60s: machine host.1 running
    ";

    done_is_what_the_hardware_confirms: "
        given off
        ask chassis on
        within 1s: operation running
        within 10s: operation succeeded confirmed by the hardware
        ask host.0 on
        for 2s: operation running
        within 20s: machine host.0 running
        within 1s: operation succeeded confirmed by the hardware
    ";

    a_graceful_off_of_a_host_that_does_not_listen_ends_in_power_off: "
        given running
        inject host-hang host.0
        ask host.0 off
        for 30s: operation running
        within 75s: machine host.0 off
        within 1s: operation succeeded on the way: timeout after 1 m in shutting-down
    ";

    force_off_is_taken_in_every_state_and_ends_what_goes_on: "
        given running
        inject host-hang host.0
        ask host.0 off
        within 2s: machine host.0 shutting-down
        ask host.0 force-off
        within 12s: machine host.0 off
        within 1s: operation succeeded
    ";

    power_good_that_never_falls_is_an_error_and_no_wait_for_ever: "
        given running
        inject power-good-stuck host.0
        ask host.0 force-off
        within 15s: machine host.0 error
        within 1s: operation failed
        within 1s: problem machine-fault host.0
        clear
        within 5s: machine host.0 off
        within 60s: no problem
    ";

    power_good_that_never_comes_is_tried_again_and_then_rolled_back: "
        given chassis
        inject power-good-never host.0
        ask host.0 on
        within 12s: operation running try 2 of 2
        within 16s: operation rolled-back after 2 tries
        within 1s: machine host.0 off
        within 1s: event operation.*.rolled-back error
        clear
        ask host.0 on
        within 20s: operation succeeded
    ";

    power_good_that_comes_with_the_second_try_is_a_success: "
        given chassis
        inject power-good-never host.0
        ask host.0 on
        within 12s: operation running try 2 of 2
        clear
        within 30s: operation succeeded
    ";

    a_board_that_wants_one_try_gets_one: "
        given chassis tries 1
        inject power-good-never host.0
        ask host.0 on
        within 12s: operation rolled-back
    ";

    what_forbids_a_request_is_told_anew_when_it_comes_and_when_it_goes: "
        given chassis
        for 2s: possible host.0 on
        within 1s: a watcher knows all
        inject sensor-missing inlet_temp
        within 20s: refused host.0 on zone-failsafe
        for 5s: a watcher knows all
        clear
        within 60s: possible host.0 on
        for 5s: a watcher knows all
        inject psu-absent psu.0
        inject psu-absent psu.1
        within 5s: refused host.0 on no-supply
        within 1s: a watcher knows all
        clear
        ask bmc maintenance-on
        within 5s: refused host.0 on bmc-not-ready
        within 1s: a watcher knows all
        ask bmc maintenance-off
        within 5s: machine bmc ready
        within 1s: a watcher knows all
    ";

    a_cancelled_power_on_is_taken_back_as_long_as_there_is_no_power: "
        given chassis
        inject power-good-never host.0
        ask host.0 on
        within 2s: machine host.0 powering-on
        cancel
        within 12s: operation cancelled taken back to off
        within 1s: machine host.0 off
    ";

    a_cancelled_power_on_that_has_power_goes_on_and_says_so: "
        given chassis
        ask host.0 on
        within 5s: machine host.0 booting
        cancel
        within 1s: operation cancelled goes on by itself
        within 20s: machine host.0 running
    ";

    what_is_not_begun_of_a_cancelled_cycle_is_left_out: "
        given running
        ask host.0 restart
        within 2s: machine host.0 shutting-down
        cancel
        within 70s: operation cancelled
        for 30s: machine host.0 off
    ";

    a_lost_power_good_is_told_once_with_what_was_lost: "
        given running
        inject power-good-lost host.0
        within 2s: event state.host.0.transition critical lost power
        within 2s: machine host.0 off
        clear
    ";

    a_chassis_that_loses_its_power_takes_its_hosts_along: "
        given running
        inject power-good-lost chassis
        within 5s: event state.chassis.transition critical lost
        within 15s: machine host.0 off
        within 15s: machine host.1 off
        within 30s: machine chassis off
        clear
    ";

    hosts_follow_a_chassis_even_when_their_own_lines_stick: "
        given running
        inject power-good-stuck host.0
        inject power-good-lost chassis
        within 5s: machine host.0 powering-off
        within 15s: machine host.0 error
        clear
        within 30s: machine host.0 off
    ";

    a_rail_that_was_lost_is_the_reason_for_where_the_chassis_rests: "
        given chassis
        inject power-good-lost p5v
        within 1s: event rail.p5v.lost critical
        within 30s: machine chassis off
        within 1s: because chassis rail p5v lost
        clear
    ";

    chassis_off_shuts_hosts_down_first: "
        given running
        ask chassis off
        within 2s: machine host.0 shutting-down
        within 2s: machine host.1 shutting-down
        for 2s: machine chassis on
        within 90s: machine chassis off
        within 1s: operation succeeded
        for 5s: machine host.0 off
    ";

    a_power_cycle_of_the_chassis_brings_back_what_was_on: "
        given running
        ask chassis cycle
        within 90s: machine chassis discharging
        within 60s: machine chassis on
        within 120s: operation succeeded
        for 1s: machine host.0 running
        for 1s: machine host.1 running
    ";

    opposite_requests_do_not_interleave: "
        given chassis
        ask host.0 on
        within 1s: refused host.0 off operation-running
        within 1s: refused chassis off operation-running
        within 30s: operation succeeded
        within 1s: possible host.0 off
    ";

    two_hosts_do_not_power_on_at_a_time_where_one_may: "
        given chassis
        ask host.0 on
        within 1s: refused host.1 on too-many-powering-on
        within 30s: operation succeeded
        within 1s: possible host.1 on
    ";

    a_host_needs_its_chassis: "
        given off
        within 1s: refused host.0 on parent-not-on
    ";

    maintenance_and_updates_of_the_bmc_hold_power_ons_off: "
        given chassis
        ask bmc maintenance-on
        within 1s: refused host.0 on bmc-not-ready
        ask bmc maintenance-off
        within 1s: possible host.0 on
        ask bmc update-begin
        within 1s: machine bmc updating
        within 1s: refused host.0 on bmc-not-ready
        within 1850s: machine bmc ready
        within 1s: possible host.0 on
    ";

    an_interlock_is_overridden_for_a_while_and_that_is_told: "
        given chassis
        inject sensor-missing p12v
        within 15s: refused host.0 on part-failed
        override host.0 part-failed 60
        within 1s: event interlock.host.0.overridden warning a scenario
        within 1s: problem interlock-overridden host.0
        within 1s: possible host.0 on
        within 1s: refused host.1 on part-failed
        within 65s: event interlock.host.0.restored notice
        within 1s: refused host.0 on part-failed
        override host.0 part-failed 600
        within 1s: possible host.0 on
        hold-again host.0 part-failed
        within 1s: refused host.0 on part-failed
        clear
        within 15s: possible host.0 on
    ";

    what_the_supplies_cannot_carry_is_not_powered_on: "
        given chassis draw 600
        inject psu-fail psu.1
        within 2s: supply psu.1 unhealthy
        ask host.0 on
        within 30s: operation succeeded
        within 1s: refused host.1 on supply-budget
        clear
        within 10s: possible host.1 on
    ";

    a_supply_that_fails_under_load_sheds_the_last_host_and_keeps_the_first: "
        given running draw 600
        inject psu-fail psu.1
        within 6s: event supply.shortage critical
        within 2s: machine host.1 shutting-down
        within 90s: machine host.1 off
        for 30s: machine host.0 running
        within 1s: no problem supply-shortage
        clear
    ";

    a_policy_ends_the_operation_that_is_in_its_way: "
        given running draw 600 supplies force-off
        inject host-hang host.1
        ask host.1 restart
        within 2s: machine host.1 shutting-down
        inject psu-fail psu.1
        within 6s: event operation.*.accepted notice policy supplies
        within 20s: machine host.1 off
        within 1s: operation cancelled
        for 60s: machine host.1 off
    ";

    a_supply_that_fails_within_the_budget_sheds_nothing: "
        given running
        inject psu-fail psu.1
        within 10s: supply psu.1 unhealthy
        for 60s: machine host.1 running
        within 1s: no problem supply-shortage
        clear
    ";

    supplies_that_only_alert_only_alert: "
        given running draw 600 supplies alert
        inject psu-fail psu.1
        within 6s: event supply.shortage critical
        within 1s: problem supply-shortage supplies
        for 60s: machine host.1 running
        clear
        within 10s: event supply.shortage-over notice
        within 60s: no problem
    ";

    a_part_that_fails_is_told_and_nothing_more_by_default: "
        given running
        inject sensor-missing p12v
        within 45s: event state.host.0.part-failed critical p12v
        within 1s: problem needed-part-failed host.0
        for 60s: machine host.0 running
        clear
        within 60s: no problem
    ";

    a_part_that_fails_isolates_until_somebody_asks_for_off: "
        given running parts isolate
        inject sensor-missing p12v
        within 45s: event state.host.0.part-failed critical p12v
        within 90s: machine host.0 off
        clear
        within 15s: refused host.0 on isolated
        ask host.0 off
        within 1s: event state.host.0.released notice
        within 15s: possible host.0 on
    ";

    a_plan_that_does_nothing_takes_no_time_and_one_that_was_done_tells_how_long: "
        given chassis
        within 1s: usual chassis on 0
        ask host.0 on
        within 30s: operation succeeded
        ask host.0 off
        within 90s: operation succeeded
        within 1s: usual host.0 on 20
    ";

    a_thermal_trip_outranks_a_graceful_shutdown: "
        given running
        inject host-hang host.0
        ask host.0 off
        within 2s: machine host.0 shutting-down
        inject sensor-stuck host0_cpu_temp 110
        within 20s: machine host.0 off
        within 1s: operation cancelled
        within 1s: state.host.0.transition done by policy thermal
        clear
    ";

    // What a plan says of later steps is of the time when their turn comes.

    a_plan_says_where_each_step_begins: "
        given running
        within 1s: plan host.0 restart host.0 off now running
        within 1s: plan host.0 restart host.0 on then off
        within 1s: plan chassis cycle chassis on then discharging
        within 1s: plan chassis cycle host.1 on then off
    ";

    a_plan_is_as_long_as_its_power_ons_with_all_their_tries: "
        given off tries 1
        within 1s: longest chassis off 0 0
        ask chassis on
        within 10s: operation succeeded
        within 1s: longest host.0 on 140 140
        ask host.0 on
        within 30s: operation succeeded
        within 1s: longest host.0 restart 210 210    # 70 s down, and then up as above
    ";

    every_try_counts_and_the_pause_before_it: "
        given chassis tries 3
        within 1s: longest host.0 on 435 435         # three times 140 s, with 5 s and 10 s between them
    ";

    what_is_expected_of_a_restart_is_both_its_halves: "
        given chassis
        ask host.0 on
        within 30s: operation succeeded
        ask host.0 off
        within 90s: operation succeeded
        ask host.0 on
        within 30s: operation succeeded
        within 1s: usual host.0 restart 30
        die
        within 10s: usual host.0 restart 30          # the next daemon knows it too
    ";

    everything_that_a_request_brings_about_has_its_cause: "
        given off
        ask chassis on
        within 10s: operation succeeded
        within 1s: caused signal.p12v-good.changed
        within 1s: caused signal.chassis-power-good.changed
        within 1s: caused state.chassis.transition
        within 1s: caused operation.*.succeeded
        ask host.0 on
        within 30s: operation succeeded
        within 1s: caused signal.host0-post-complete.changed
    ";

    // The BMC itself.

    a_reboot_of_the_bmc_ends_the_services_and_is_done_when_it_has_booted: "
        given running
        ask bmc reboot
        within 5s: event platform.stopping notice
        within 60s: event operation.*.succeeded notice the BMC was rebooted
        within 1s: operation succeeded
        within 30s: machine bmc ready
        for 30s: machine host.0 running
        for 1s: machine host.1 running
        within 60s: no problem
    ";

    a_reboot_would_cut_off_what_is_running: "
        given chassis
        ask host.0 on
        within 1s: refused bmc reboot operation-running
        within 30s: operation succeeded
        within 1s: possible bmc reboot
        ask bmc update-begin
        within 1s: refused bmc reboot not-in-this-state
        ask bmc update-end
        within 1s: possible bmc reboot
    ";

    a_daemon_that_dies_during_a_reboot_without_one_says_so: "
        given chassis
        ask bmc reboot
        die
        within 1s: operation failed the BMC was not rebooted
    ";

    a_trip_is_latched_again_after_a_restart_and_powers_off_what_is_on: "
        given running
        inject sensor-stuck host0_cpu_temp 110
        within 20s: zone cpu tripped
        within 20s: machine host.0 off
        clear
        die
        within 30s: zone cpu tripped
        within 30s: refused host.0 on zone-tripped
        ask host.0 off
        within 60s: possible host.0 on
    ";

    // What users ran into.

    an_off_of_the_chassis_is_one_of_the_hosts_that_are_off_already: "
        given chassis
        ask host.0 on
        within 30s: operation succeeded
        ask host.1 on
        within 1s: machine host.1 powering-on
        cancel
        within 30s: machine host.1 off
        ask chassis off
        within 90s: operation succeeded
        within 1s: machine host.0 off
    ";

    a_force_off_of_a_host_goes_on_beside_an_off_of_its_chassis: "
        given running
        inject host-hang host.0
        ask chassis off
        within 2s: machine host.0 shutting-down
        ask host.0 force-off
        within 15s: machine host.0 off
        within 1s: operation succeeded
        within 90s: machine chassis off
        clear
    ";

    an_emergency_waits_for_no_host_that_is_stuck: "
        given running
        inject power-good-stuck host.0
        ask chassis emergency-off
        within 10s: machine chassis off
        clear
        within 60s: machine host.0 off
    ";

    a_cycle_that_is_cancelled_in_its_pause_leaves_the_chassis_off: "
        given chassis
        ask chassis cycle
        within 60s: machine chassis discharging
        cancel
        within 5s: operation cancelled left off
        within 5s: machine chassis off
        for 30s: machine chassis off
        within 1s: possible chassis on
    ";

    a_restart_that_is_cancelled_on_its_way_up_is_taken_back: "
        given running
        inject power-good-never host.0
        ask host.0 restart
        within 20s: machine host.0 powering-on
        cancel
        within 15s: operation cancelled taken back to off: host.0
        within 1s: machine host.0 off
        clear
        for 60s: machine host.0 off
    ";

    a_restart_that_is_cancelled_on_its_way_down_leaves_the_host_off_and_says_so: "
        given running
        ask host.0 restart
        within 2s: machine host.0 shutting-down
        cancel
        within 70s: operation cancelled left off: host.0
        within 1s: wanted host.0 off
        within 1s: machine host.0 off
    ";

    a_force_off_of_what_is_off_ends_nothing_that_does_not_concern_it: "
        given off
        ask chassis cycle
        ask host.0 force-off
        within 1s: operation succeeded
        within 30s: machine chassis on
        within 1s: wanted chassis on
    ";

    on_of_what_comes_on_already_is_no_power_on: "
        given chassis
        ask host.0 on
        within 5s: machine host.0 booting
        cancel
        inject sensor-missing host0_cpu_temp
        within 5s: possible host.0 on
        clear
    ";
}
