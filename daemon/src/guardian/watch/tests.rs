use super::*;

const SILENCE: Duration = Duration::from_millis(700);

/// Lines of `TIME_MS happening [word] -> actions`, `-` for none; time passes in ticks, as the process lets it.
#[track_caller]
fn check(script: &str) {
    let mut watch = Watch::new(Mono::ZERO, SILENCE);
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (said, expected) = line.split_once("->").unwrap();
        let words: Vec<_> = said.split_whitespace().collect();
        let at = Mono::from_millis(words[0].parse().unwrap());
        let mut done = Vec::new();
        while let Some(due) = watch.deadline().filter(|due| *due < at) {
            done.extend(
                watch.handle(due, Happening::Tick).iter().map(|action| format!("{}:{action}", due.as_millis())),
            );
        }
        let number = || Duration::from_millis(words[2].parse().unwrap());
        let happening = match words[1] {
            "hello" => Happening::Hello { driving: words[2] == "driving" },
            "beat" => Happening::Beat { driving: words.get(2) != Some(&"idle") },
            "release" => Happening::Release { hold: number() },
            "holding" => Happening::Inherit(Heritage::Holding { left_ms: words[2].parse().unwrap() }),
            "in-charge" => Happening::Inherit(Heritage::InCharge { why: Why::Died, for_ms: words[2].parse().unwrap() }),
            "dismissed" => Happening::Dismissed,
            "lost" => Happening::Lost,
            "asked" => Happening::Asked,
            "futile" => Happening::Futile,
            "tick" => Happening::Tick,
            other => panic!("{other}"),
        };
        done.extend(watch.handle(at, happening).iter().map(ToString::to_string));
        assert_eq!(done.join(" "), expected.trim().trim_start_matches('-'), "{line}");
    }
}

trait Millis {
    fn as_millis(&self) -> u128;
}

impl Millis for Mono {
    fn as_millis(&self) -> u128 {
        self.since_origin().as_millis()
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failsafe { anew: true } => f.write_str("FAILSAFE"),
            Self::Failsafe { anew: false } => f.write_str("failsafe"),
            Self::LetGo => f.write_str("let-go"),
            Self::Feed => f.write_str("feed"),
            Self::Disarm => f.write_str("disarm"),
            Self::TellTaken(why) => write!(f, "taken({why:?})"),
            Self::TellRelieved(why, held) => write!(f, "relieved({why:?},{})", held.as_millis()),
            Self::End => f.write_str("end"),
        }
    }
}

#[test]
fn death_leads_to_fail_safe_at_once_and_again_every_second_and_the_watchdog_starves() {
    check(
        "0    hello driving -> -
         250  beat          -> feed
         500  beat          -> -
         501  lost          -> FAILSAFE
         3600 tick          -> 1501:failsafe 2501:failsafe 3501:failsafe",
    );
}

#[test]
fn a_ward_that_hangs_loses_the_fans_until_it_beats_again() {
    check(
        "0    hello driving -> -
         250  beat          -> feed
         949  tick          -> -
         950  tick          -> FAILSAFE taken(Silent)
         2000 tick          -> 1950:failsafe
         2300 beat          -> feed let-go relieved(Silent,1350)
         2999 tick          -> -
         3000 tick          -> FAILSAFE taken(Silent)
         3100 lost          -> -
         4001 tick          -> 4000:failsafe",
    );
}

#[test]
fn nobody_who_drives_means_fail_safe_but_the_watchdog_is_fed() {
    check(
        "0    hello idle -> FAILSAFE taken(Begin)
         250  beat idle  -> feed
         500  beat       -> let-go relieved(Begin,500)
         750  beat idle  -> -
         1000 beat idle  -> -
         1250 beat idle  -> 1200:FAILSAFE 1200:taken(Undriven) feed
         1500 beat       -> let-go relieved(Undriven,300)",
    );
}

#[test]
fn an_end_in_order_leaves_the_duties_alone_until_an_heir_drives() {
    check(
        "0     hello driving -> -
         250   beat          -> feed
         300   release 10000 -> let-go
         310   lost          -> -
         2000  tick          -> 1250:feed
         3000  hello idle    -> 2250:feed
         3200  beat idle     -> -
         3500  beat          -> 3250:feed
         4250  tick          -> 4200:FAILSAFE 4200:taken(Silent)",
    );
}

#[test]
fn without_an_heir_all_is_made_safe_and_it_ends() {
    check(
        "0     hello driving -> -
         100   beat          -> feed
         300   release 2000  -> let-go
         310   lost          -> -
         9000  tick          -> 1100:feed 2100:feed 2300:FAILSAFE 2300:disarm 2300:end",
    );
}

#[test]
fn an_heir_that_does_not_drive_in_time_finds_the_guardian_in_charge() {
    check(
        "0     hello driving -> -
         100   release 1000  -> let-go feed
         110   lost          -> -
         600   hello idle    -> -
         1050  beat idle     -> -
         1300  beat idle     -> 1100:FAILSAFE 1100:taken(NoHeir) feed
         1400  beat          -> let-go relieved(NoHeir,300)",
    );
}

#[test]
fn a_release_without_a_hold_is_the_end() {
    check(
        "0     hello driving -> -
         250   beat          -> feed
         300   release 0     -> FAILSAFE disarm end
         310   lost          -> -
         9000  tick          -> -",
    );
}

#[test]
fn whoever_takes_the_place_of_another_goes_on_where_that_was() {
    check(
        "0     in-charge 5000 -> FAILSAFE
         1     hello idle     -> -
         100   beat           -> feed let-go relieved(Died,5100)",
    );
    check(
        "0     holding 2000   -> feed
         1     hello idle     -> -
         100   beat           -> -
         250   dismissed      -> let-go end",
    );
}

#[test]
fn what_nobody_wants_or_nothing_can_come_of_ends() {
    check("20000 tick -> 10000:end");
    check(
        "0    hello driving -> -
         1    futile        -> -
         2    lost          -> FAILSAFE
         3    futile        -> failsafe end",
    );
    check(
        "0    hello driving -> -
         1    asked         -> end",
    );
    check(
        "0    hello driving  -> -
         1    release 10000  -> let-go feed
         2    asked          -> FAILSAFE disarm end",
    );
    check(
        "0    hello driving  -> -
         1    lost           -> FAILSAFE
         2    asked          -> failsafe end",
    );
}
