//! What has no stream is asked for while it is on the screen; and the tick.

use super::{Area, Ask, Effect, Item, Modal, State, View, intent, rows};
use crate::model::{Mono, OperationState};

/// Seconds between two looks at what has no stream, while it is on the screen.
const HARDWARE_EVERY_S: f64 = 5.0;
/// Seconds between two looks at a start that goes on.
const BOOT_EVERY_S: f64 = 1.0;

/// The selected sensor's past is fetched once per connection.
pub(super) fn selection_changed(state: &mut State, effects: &mut Vec<Effect>) {
    look_at_graph(state, effects);
    if !state.connected() {
        return;
    }
    let Some(sensor) = sensor_drawn(state) else { return };
    let history = state.model.histories.entry(sensor.clone()).or_default();
    if !history.fetched {
        history.fetched = true;
        intent::ask(state, Ask::History { sensor }, None, effects);
    }
}

/// The sensor whose past is on the screen: the selected one, or the one that drives the selected zone.
fn sensor_drawn(state: &State) -> Option<String> {
    let selected = rows::selected(state)?;
    match (state.view, selected) {
        (View::Sensors, Item::Sensor(sensor)) => Some(sensor),
        (View::Thermal, Item::Zone(zone)) => state.model.zone(&zone)?.driving_sensor().map(str::to_owned),
        (View::Thermal, Item::Fan(name)) => {
            let fan = state.model.fans.iter().find(|fan| fan.name == name)?;
            state.model.zone(&fan.zone)?.driving_sensor().map(str::to_owned)
        }
        _ => None,
    }
}

/// Takes a second's tick.
pub(super) fn tick(state: &mut State, wall_s: f64, effects: &mut Vec<Effect>) {
    state.wall_s = wall_s;
    let connected = state.connected();
    state.model.sample(state.now, connected);
    if state.notice.as_ref().is_some_and(|notice| notice.until <= state.now) {
        state.notice = None;
    }
    leave_what_went_well(state);
    // The graph of the selected sensor wants its past even when nobody has pressed a key yet.
    selection_changed(state, effects);
    at_what_has_no_stream(state, effects);
}

/// Seconds for which an operation that has succeeded stands in front of the view. One that has not waits to be read.
const SUCCESS_S: f64 = 10.0;

fn leave_what_went_well(state: &mut State) {
    let Some(Modal::Progress { id, .. }) = &state.modal else { return };
    let over = match state.model.operation(id) {
        None => true,
        Some(one) => {
            let ended = one.duration_s.filter(|_| one.state == OperationState::Succeeded);
            ended.is_some_and(|took| state.now.since(one.accepted.after(took)) >= SUCCESS_S)
        }
    };
    if over {
        state.modal = None;
    }
}

/// What is asked for while it is on the screen.
pub(super) fn at_what_has_no_stream(state: &mut State, effects: &mut Vec<Effect>) {
    look_at_hardware(state, effects);
    look_at_boot(state, effects);
    look_at_schedules(state, effects);
    look_at_graph(state, effects);
}

/// There is somebody to ask, and it was not asked within so many seconds.
fn is_due(state: &State, asked: Option<Mono>, every_s: f64) -> bool {
    state.connected() && asked.is_none_or(|asked| state.now.since(asked) >= every_s)
}

/// The boot timeline: when its view opens, and again while something of it is open.
fn look_at_boot(state: &mut State, effects: &mut Vec<Effect>) {
    let every_s = match &state.model.boot {
        None => 0.0,
        Some(boot) if boot.ended_s.is_none() => BOOT_EVERY_S,
        // Over, but one or the other is still on its way up.
        Some(boot) if boot.is_open() => HARDWARE_EVERY_S,
        Some(_) => f64::INFINITY,
    };
    let due = is_due(state, state.boot_asked, every_s.max(BOOT_EVERY_S));
    if (state.view == View::Boot || state.open_service().is_some()) && due && super::serves(state, Area::Boot) {
        state.boot_asked = Some(state.now);
        intent::ask(state, Ask::Boot, None, effects);
    }
}

/// LEDs, inventory, rails and supplies have no stream: they are asked for while they are on the screen.
fn look_at_hardware(state: &mut State, effects: &mut Vec<Effect>) {
    let shown = match state.view {
        View::Hardware | View::Power | View::Overview => true,
        View::Services | View::Sensors | View::Thermal | View::Operations | View::Events | View::Boot => false,
    };
    let due = is_due(state, state.hardware_asked, HARDWARE_EVERY_S);
    if shown && due {
        state.hardware_asked = Some(state.now);
        intent::ask(state, Ask::Hardware, None, effects);
    }
    // The palette offers them wherever it is opened.
    let wanted = state.view == View::Hardware || matches!(state.modal, Some(Modal::Palette(_)));
    let simulated = state.model.status.as_ref().is_some_and(|status| status.simulated);
    let unknown = state.model.hardware.faults.is_none();
    let every_s = if unknown { 1.0 } else { HARDWARE_EVERY_S };
    let due = is_due(state, state.faults_asked, every_s);
    if simulated && (wanted || unknown) && due {
        state.faults_asked = Some(state.now);
        intent::ask(state, Ask::Faults, None, effects);
    }
}

/// Requests that wait for their time: while the machines are on the screen.
fn look_at_schedules(state: &mut State, effects: &mut Vec<Effect>) {
    let due = is_due(state, state.schedules_asked, HARDWARE_EVERY_S);
    if state.view == View::Power && due && super::serves(state, Area::Machines) {
        state.schedules_asked = Some(state.now);
        intent::ask(state, Ask::Schedules, None, effects);
    }
}

/// The definition of the selected machine: once, it does not change.
fn look_at_graph(state: &mut State, effects: &mut Vec<Effect>) {
    if state.view != View::Power || !state.connected() || !super::serves(state, Area::Machines) {
        return;
    }
    let Some(Item::Machine(machine)) = rows::selected(state) else { return };
    fetch_graph(state, machine, effects);
}

/// Asks for the definition of a machine, if that was not done yet.
pub(super) fn fetch_graph(state: &mut State, machine: String, effects: &mut Vec<Effect>) {
    if !super::serves(state, Area::Machines) {
        return;
    }
    if state.graphs_asked.insert(machine.clone()) {
        intent::ask(state, Ask::Graph { machine }, None, effects);
    }
}
