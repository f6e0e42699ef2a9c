//! One connection to a board: asks in, answers out.

use std::{
    io,
    os::unix::net::UnixStream,
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    super::{
        Bus, Fault, Line, Model, Quantity, SimRefusal, find_fan, find_psu,
        protocol::{self, Answer, Ask, FaultText, ValueText, Why},
    },
    shared::Shared,
};

/// A client that takes nothing for so long is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// A subscriber hears at least this often.
const ALIVE: Duration = Duration::from_secs(1);
/// While a bus hangs, how often it is looked whether the client is still there.
const LOOK: Duration = Duration::from_millis(100);

/// Serves a connection until it ends.
pub(super) fn serve(shared: &Shared, mut stream: UnixStream) {
    if let Err(error) = stream.set_write_timeout(Some(WRITE_TIMEOUT)).and_then(|()| converse(shared, &mut stream))
        && error.kind() == io::ErrorKind::InvalidData
    {
        // Said as far as it can still be said; the connection ends anyway.
        let _ = protocol::send(&mut stream, &Answer::Refused { why: Why::Protocol, text: error.to_string() });
    }
}

fn converse(shared: &Shared, stream: &mut UnixStream) -> io::Result<()> {
    match protocol::receive(stream)? {
        Some(Ask::Hello { version: protocol::VERSION }) => {
            let config = Box::new(shared.lock().model.config().clone());
            let pid = std::process::id();
            protocol::send(stream, &Answer::Welcome { version: protocol::VERSION, pid, config })?;
        }
        Some(Ask::Hello { version }) => {
            let text = format!("this board speaks version {}, not {version}", protocol::VERSION);
            return protocol::send(stream, &Answer::Refused { why: Why::Protocol, text });
        }
        Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "the first message must be hello")),
        None => return Ok(()),
    }
    while let Some(ask) = protocol::receive(stream)? {
        match ask {
            Ask::Subscribe => return push(shared, stream),
            Ask::Stop => {
                // The answer goes first: stopping ends this connection too.
                protocol::send(stream, &Answer::Done)?;
                shared.stop();
                return Ok(());
            }
            ask => match answer(shared, stream, ask) {
                Some(answer) => protocol::send(stream, &answer)?,
                None => return Ok(()),
            },
        }
    }
    Ok(())
}

/// The answer. None: nobody is left to hear it.
fn answer(shared: &Shared, stream: &UnixStream, ask: Ask) -> Option<Answer> {
    let told = match ask {
        Ask::Read(names) => read(shared, stream, &names)?,
        Ask::Lines => Ok(Answer::Lines(shared.lock().lines())),
        Ask::SetLine { line, high } => shared.with(|model| {
            let line = named("line", &line, Line::find(&line, model.config()))?;
            model.set_line(line, ubmc_core::units::Level::from_bool(high))?;
            Ok(Answer::Done)
        }),
        Ask::SetDuty { fan, percent } => {
            until_answered(shared, stream, &[Bus::FanChip])?;
            shared.with(|model| {
                let fan = named("fan", &fan, find_fan(&fan, model.config()))?;
                model.set_duty(fan, ubmc_core::units::Duty::new(percent))?;
                Ok(Answer::Done)
            })
        }
        Ask::FaultRegisters { supply } => {
            until_answered(shared, stream, &[Bus::Psu])?;
            shared.with(|model| {
                let psu = named("supply", &supply, find_psu(&supply, model.config()))?;
                Ok(Answer::Registers(model.fault_registers(psu)?))
            })
        }
        Ask::SetLed { led, pattern } => shared.with(|model| model.set_led(&led, pattern.into())).map(|()| Answer::Done),
        Ask::Set { name, value } => shared.with(|model| model.set(&name, value)).map(|()| Answer::Done),
        Ask::Inject(fault) => shared.with(|model| {
            let fault = Fault::parse(&fault.kind, &fault.target, fault.value, model.config())?;
            model.inject(fault);
            Ok(faults(model))
        }),
        Ask::Clear { kind, target } => shared.with(|model| model.clear_named(&kind, &target).map(|()| faults(model))),
        Ask::Faults => Ok(faults(&shared.lock().model)),
        Ask::State => Ok(state(&shared.lock().model)),
        Ask::ResetController => shared.with(|model| {
            model.reset_controller();
            Ok(Answer::Done)
        }),
        Ask::Hello { .. } | Ask::Subscribe | Ask::Stop => {
            Ok(Answer::Refused { why: Why::Protocol, text: "not here".to_owned() })
        }
    };
    Some(told.unwrap_or_else(Answer::from))
}

fn read(shared: &Shared, stream: &UnixStream, names: &[String]) -> Option<Result<Answer, SimRefusal>> {
    let quantities: Result<Vec<_>, _> = {
        let inner = shared.lock();
        let config = inner.model.config();
        names.iter().map(|name| named("sensor", name, Quantity::find(name, config))).collect()
    };
    let quantities = match quantities {
        Ok(quantities) => quantities,
        Err(refusal) => return Some(Err(refusal)),
    };
    let mut buses: Vec<_> = quantities.iter().map(|quantity| quantity.bus()).collect();
    buses.sort_unstable();
    buses.dedup();
    until_answered(shared, stream, &buses)?;
    let inner = shared.lock();
    let readings = quantities.into_iter().map(|quantity| inner.model.sample(quantity).into()).collect();
    Some(Ok(Answer::Readings(readings)))
}

/// Waits as long as one of the buses hangs. None: the client has given up, or the board ends.
fn until_answered(shared: &Shared, stream: &UnixStream, buses: &[Bus]) -> Option<()> {
    let since = Instant::now();
    let mut inner = shared.lock();
    loop {
        if inner.stopped {
            return None;
        }
        // The first hang that is not over: with its end, where it has one.
        let hang = buses
            .iter()
            .filter_map(|bus| inner.model.hang(*bus))
            .map(|hang| hang.delay.map(|delay| since + delay))
            .find(|end| end.is_none_or(|end| end > Instant::now()));
        let Some(end) = hang else { return Some(()) };
        let look = Instant::now() + LOOK;
        inner = shared.wait(inner, end.map_or(look, |end| end.min(look)));
        if is_gone(stream) {
            return None;
        }
    }
}

/// The other side has closed its end.
fn is_gone(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::new(stream, PollFlags::RDHUP)];
    let looked = poll(&mut fds, Some(&Timespec::default()));
    looked.is_ok() && fds[0].revents().intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
}

fn push(shared: &Shared, stream: &mut UnixStream) -> io::Result<()> {
    let (lines, edges) = shared.subscribe();
    protocol::send(stream, &Answer::Lines(lines))?;
    loop {
        match edges.recv_timeout(ALIVE) {
            Ok(edges) => protocol::send(stream, &Answer::Edges(edges))?,
            Err(RecvTimeoutError::Timeout) => protocol::send(stream, &Answer::Alive)?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn named<T>(what: &'static str, name: &str, found: Result<T, Option<String>>) -> Result<T, SimRefusal> {
    found.map_err(|nearest| SimRefusal::NoSuch { what, name: name.to_owned(), nearest })
}

fn faults(model: &Model) -> Answer {
    Answer::Faults(
        model
            .faults()
            .into_iter()
            .map(|fault| FaultText {
                kind: fault.kind.to_string(),
                target: fault.target.to_string(),
                value: fault.value,
            })
            .collect(),
    )
}

fn state(model: &Model) -> Answer {
    let values = model
        .values()
        .into_iter()
        .map(|value| ValueText {
            name: value.name,
            value: value.value,
            unit: value.unit.to_owned(),
            settable: value.settable,
        })
        .collect();
    Answer::State { values, time_s: model.now().as_secs_f64(), pid: std::process::id() }
}
