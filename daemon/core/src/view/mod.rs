//! What the core tells of itself: plain values made on demand, for the API to carry.

mod answers;
mod hardware;
mod machines;
mod services;
mod system;

pub use answers::{
    BootView, Bootstrap, ChangeEffect, ChangeKind, Consequence, Outcome, PhaseSpan, ReloadView, ServiceChange,
    WhatIfView, WhyLink, WhyView,
};
pub use hardware::{
    ControllerView, FanMode, FanView, LedView, Quality, RailView, SensorView, Status, SupplyView, Term, ZoneState,
    ZoneView,
};
pub use machines::{MachineView, OperationState, OperationView, RestoreView, ScheduleView, StepState, StepView};
pub use services::{Desired, GroupView, ServiceState, ServiceView};
pub use system::{GuardianState, GuardianView, Health, Problem, SystemState, SystemView};
