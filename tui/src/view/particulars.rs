//! All that is known of one part, where the list of hardware has no room for it.

use ratatui::layout::Rect;

use super::{canvas::Canvas, format, plan};
use crate::{
    app::{Item, State},
    model::Hardware,
};

/// Rows for the longest of them.
pub(super) const HEIGHT: u16 = 12;

/// Draws them under the part's name; nothing when there is no such part.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, item: &Item) {
    let Some((name, facts)) = facts(&state.model.hardware, state, item) else { return };
    canvas.heading(area, &name, "");
    let mut y = area.y + 1;
    for (label, text) in facts {
        let rest = Rect { y, height: area.bottom().saturating_sub(y), ..area };
        y += plan::labelled(canvas, rest, label, &text);
    }
}

type Facts = (String, Vec<(&'static str, String)>);

fn facts(hardware: &Hardware, state: &State, item: &Item) -> Option<Facts> {
    let yes_no = |value: Option<bool>| value.map_or("not readable", |yes| if yes { "yes" } else { "no" }).to_owned();
    let ago = |at| format!("{} ago", format::duration(state.now.since(at)));
    Some(match item {
        Item::Supply(name) => {
            let one = hardware.supplies.iter().flatten().find(|one| one.name == *name)?;
            let load = one
                .power_w
                .map(|watts| format!("{watts:.0} of {:.0} W, {:.0} %", one.rated_w, share(watts, one.rated_w)));
            let facts = vec![
                ("present", yes_no(one.present)),
                ("good", yes_no(one.power_good)),
                ("load", load.unwrap_or_else(|| format!("not measured, rated for {:.0} W", one.rated_w))),
                ("heat", one.temperature.map(|celsius| format!("{celsius:.1} °C")).unwrap_or_default()),
                ("health", one.health.word().to_owned()),
                ("failed", one.faults_read.filter(|_| !one.faults.is_empty()).map(ago).unwrap_or_default()),
                ("registers", one.faults.join(", ")),
            ];
            (format!("Supply {name}"), facts)
        }
        Item::Rail(name) => {
            let one = hardware.rails.iter().flatten().find(|one| one.name == *name)?;
            let needed_by = hardware.rails.iter().flatten().filter(|other| other.requires.contains(name));
            let needed_by: Vec<&str> = needed_by.map(|other| other.name.as_str()).collect();
            let facts = vec![
                ("told", if one.enabled { "on" } else { "off" }.to_owned()),
                ("good", yes_no(one.power_good)),
                ("volts", one.voltage.map(|volts| format!("{volts:.3} V")).unwrap_or_default()),
                ("machine", one.machine.clone()),
                ("now", one.progress.clone()),
                ("needs", one.requires.join(", ")),
                ("needed by", needed_by.join(", ")),
                ("control", one.control_signal.clone()),
                ("answer", one.good_signal.clone()),
            ];
            (format!("Rail {name}"), facts)
        }
        Item::Led(name) => {
            let one = hardware.leds.iter().flatten().find(|one| one.name == *name)?;
            let facts = vec![
                ("role", one.role.clone()),
                ("lights", one.pattern.word().to_owned()),
                ("because", one.reason.clone()),
                ("held by", one.held_by.clone()),
                ("ends in", one.ends.map(|at| format::duration(at.since(state.now))).unwrap_or_default()),
                ("error", one.error.clone()),
            ];
            (format!("LED {name}"), facts)
        }
        Item::Part(name) => {
            let one = hardware.items.iter().flatten().find(|one| one.name == *name)?;
            let facts = vec![
                ("kind", one.kind.clone()),
                ("present", one.present.map_or("nothing senses it", |yes| if yes { "yes" } else { "no" }).to_owned()),
                ("maker", one.manufacturer.clone()),
                ("product", one.product.clone()),
                ("part", one.part_number.clone()),
                ("serial", one.serial_number.clone()),
            ];
            (format!("Part {name}"), facts)
        }
        Item::Resource(name) => {
            let one = hardware.resources.iter().flatten().find(|one| one.name == *name)?;
            let facts = vec![
                ("kind", one.kind.to_owned()),
                ("owner", one.owner.clone()),
                ("used by", one.used_by.join(", ")),
                ("answers", one.reachable.map_or("not used yet", |yes| if yes { "yes" } else { "no" }).to_owned()),
                ("error", one.error.clone()),
            ];
            (name.clone(), facts)
        }
        Item::Fault(kind, target) => {
            let about = hardware.faults.iter().flat_map(|faults| &faults.kinds).find(|one| one.kind == *kind)?;
            let facts = vec![
                ("what", about.description.clone()),
                ("where", target.clone()),
                (
                    "elsewhere",
                    about.targets.iter().filter(|one| *one != target).cloned().collect::<Vec<_>>().join(", "),
                ),
            ];
            (format!("Fault {kind}"), facts)
        }
        _ => return None,
    })
}

/// Percent of what it is rated for.
fn share(watts: f64, rated: f64) -> f64 {
    if rated > 0.0 { watts / rated * 100.0 } else { 0.0 }
}
