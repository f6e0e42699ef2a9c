//! What has no stream: LEDs, inventory, rails, supplies.

use ubmc_proto::v1;

use super::health;
use crate::model::{FaultKind, Faults, Item, Led, LedPattern, Mono, Rail, Resource, Supply, Update};

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
        held_by: led.held_by,
        error: led.error,
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
        voltage: rail.voltage,
        requires: rail.requires,
        machine: rail.machine,
        progress: rail.progress,
    };
    Update::Rails(wire.rails.into_iter().map(convert).collect())
}

/// The supplies.
pub fn supplies(now: Mono, wire: v1::ListSuppliesResponse) -> Update {
    let convert = |supply: v1::Supply| Supply {
        name: supply.name,
        present: supply.present,
        power_good: supply.power_good,
        power_w: supply.power_w,
        temperature: supply.temperature,
        health: health(supply.health),
        rated_w: supply.rated_w,
        faults: supply
            .fault_registers
            .into_iter()
            .filter(|register| register.value != 0)
            .map(|register| format!("{} {:#06x}", register.name, register.value))
            .collect(),
        faults_read: supply.fault_age_s.map(|age| now.ago(age)),
    };
    Update::Supplies(wire.supplies.into_iter().map(convert).collect(), wire.redundant)
}

/// Who owns which piece of hardware.
pub fn resources(wire: v1::ListResourcesResponse) -> Update {
    let convert = |resource: v1::Resource| Resource {
        kind: match resource.kind() {
            v1::ResourceKind::GpioLine => "gpio",
            v1::ResourceKind::Pwm => "pwm",
            v1::ResourceKind::HwmonChannel => "hwmon",
            v1::ResourceKind::I2cDevice => "i2c",
            v1::ResourceKind::Led => "led",
            v1::ResourceKind::Watchdog => "watchdog",
            v1::ResourceKind::Sim => "sim",
            v1::ResourceKind::Unspecified => "",
        },
        name: resource.name,
        owner: resource.owner,
        used_by: resource.used_by,
        reachable: resource.reachable,
        error: resource.error,
    };
    Update::Resources(wire.resources.into_iter().map(convert).collect())
}

/// What is broken on a simulated board, and what can be.
pub fn faults(wire: v1::ListFaultsResponse) -> Update {
    let kind = |one: v1::FaultKind| FaultKind { kind: one.kind, description: one.description, targets: one.targets };
    Update::Faults(Faults {
        active: wire.active.into_iter().map(|fault| (fault.kind, fault.target)).collect(),
        kinds: wire.kinds.into_iter().map(kind).collect(),
    })
}
