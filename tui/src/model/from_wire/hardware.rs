//! What has no stream: LEDs, inventory, rails, supplies.

use ubmc_proto::v1;

use super::health;
use crate::model::{Item, Led, LedPattern, Mono, Rail, Supply, Update};

/// The LEDs.
pub fn leds(now: Mono, wire: v1::ListLedsResponse) -> Update {
    let convert = |led: v1::Led| Led {
        pattern: match led.pattern() {
            v1::LedPattern::Off => LedPattern::Off,
            v1::LedPattern::On => LedPattern::On,
            v1::LedPattern::Blink => LedPattern::Blink,
            v1::LedPattern::FastBlink => LedPattern::FastBlink,
            v1::LedPattern::Unspecified => LedPattern::Unknown,
        },
        name: led.name,
        role: led.role,
        reason: led.reason,
        ends: led.left_s.map(|left| now.after(left)),
    };
    Update::Leds(wire.leds.into_iter().map(convert).collect())
}

/// What is built in.
pub fn items(wire: v1::ListItemsResponse) -> Update {
    let convert = |item: v1::InventoryItem| Item {
        name: item.name,
        kind: item.kind,
        present: item.present,
        manufacturer: item.manufacturer,
        product: item.product,
        part_number: item.part_number,
        serial_number: item.serial_number,
    };
    Update::Items(wire.items.into_iter().map(convert).collect())
}

/// The rails.
pub fn rails(wire: v1::ListRailsResponse) -> Update {
    let convert = |rail: v1::Rail| Rail {
        name: rail.name,
        enabled: rail.enabled,
        power_good: rail.power_good,
        control_signal: rail.control_signal,
        good_signal: rail.good_signal,
    };
    Update::Rails(wire.rails.into_iter().map(convert).collect())
}

/// The supplies.
pub fn supplies(wire: v1::ListSuppliesResponse) -> Update {
    let convert = |supply: v1::Supply| Supply {
        name: supply.name,
        present: supply.present,
        power_good: supply.power_good,
        power_w: supply.power_w,
        temperature: supply.temperature,
        health: health(supply.health),
        rated_w: supply.rated_w,
    };
    Update::Supplies(wire.supplies.into_iter().map(convert).collect(), wire.redundant)
}
