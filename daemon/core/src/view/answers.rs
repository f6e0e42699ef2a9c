//! Answers to questions that go across services: why, what if, what a reload changes, how the start went.

use crate::{ids::Name, refusal::Obstacle, services::Group, time::Mono};

/// Why something is not as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyView {
    /// Who is asked about.
    pub name: Name,
    /// `service`, `host`, `chassis` or `bmc`.
    pub kind: &'static str,
    /// It is as it is wanted: there is nothing to explain.
    pub as_desired: bool,
    /// One sentence that names the root cause.
    pub answer: String,
    /// From what was asked about down to the root; at least one.
    pub chain: Vec<WhyLink>,
}

/// One condition of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyLink {
    /// What it is about, e.g. `service web`.
    pub subject: String,
    /// One sentence.
    pub text: String,
    /// What to do about it; may be empty.
    pub remedy: String,
    /// Since when. Absent when not known.
    pub since: Option<Mono>,
}

/// What would follow if a service were stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatIfView {
    /// What would happen, in the order in which it would.
    pub consequences: Vec<Consequence>,
    /// Why that would be refused without force; empty: it would not.
    pub obstacles: Vec<Obstacle>,
}

/// One thing that would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// To whom, e.g. `service web`, `zone cpu`.
    pub subject: String,
    /// `stops`, `waits`, `unaffected`, `fail-safe`, `operation`.
    pub kind: &'static str,
    /// One sentence.
    pub text: String,
}

/// What a reload changes, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadView {
    /// Services that differ, in start order; removed ones last.
    pub changes: Vec<ServiceChange>,
    /// Services whose life ends and begins again, dependents of changed ones included, in start order.
    pub restarts: Vec<Name>,
    /// What else there is to know, one sentence each.
    pub notes: Vec<String>,
}

/// How one service differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChange {
    /// Which.
    pub name: Name,
    /// In which way.
    pub kind: ChangeKind,
    /// What of it differs, as registries write it, e.g. `deployment`, `restart.delay`; empty unless changed.
    pub fields: Vec<&'static str>,
    /// What follows.
    pub effect: ChangeEffect,
    /// What follows, one sentence.
    pub text: String,
}

/// In which way a service differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is not declared any more.
    Removed,
    /// It is declared otherwise.
    Changed,
}

/// What follows for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeEffect {
    /// It is brought up.
    Start,
    /// It is brought down.
    Stop,
    /// Its life ends and begins again.
    Restart,
    /// It holds at once, and nothing is interrupted.
    InPlace,
    /// It holds when the service is started next.
    NextStart,
}

/// How the start of the platform went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BootView {
    /// When it began.
    pub started: Mono,
    /// When every group was complete, or their time was up. Absent: it goes on.
    pub ended: Option<Mono>,
    /// Not everything was up in time.
    pub timed_out: bool,
    /// Groups with members, in order.
    pub phases: Vec<PhaseSpan>,
    /// Services that were wanted up, in start order.
    pub services: Vec<Bootstrap>,
    /// The chain that decided how long it took, first to last.
    pub critical_path: Vec<Name>,
}

/// When a group came up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseSpan {
    /// Which.
    pub group: Group,
    /// When its first member was let go.
    pub began: Option<Mono>,
    /// When its last member was settled.
    pub ended: Option<Mono>,
}

/// How the first start of a service went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Which.
    pub name: Name,
    /// Its group.
    pub group: Group,
    /// When nothing held it up any more: from here on the time is its own.
    pub released: Option<Mono>,
    /// When its process or task was asked for.
    pub spawned: Option<Mono>,
    /// When it was ready, or had come to another end.
    pub settled: Option<Mono>,
    /// How far it came.
    pub outcome: Outcome,
    /// The last thing that it waited for, e.g. `db`, `group core`; empty: nothing.
    pub waited_for: String,
    /// It is on the critical path.
    pub critical: bool,
}

/// How far a service came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It still waits or starts.
    #[default]
    Pending,
    /// It was ready.
    Ready,
    /// It has done its work.
    Completed,
    /// Its first start failed.
    Failed,
    /// It was not wanted any more before it was ready.
    Abandoned,
}
