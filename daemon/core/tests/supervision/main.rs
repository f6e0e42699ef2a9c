//! Supervision by scenario: services, then what happens to them and what must follow, as text (see `script`).

mod answers;
mod epochs;
mod escalation;
mod health;
mod order;
mod platform;
mod readiness;
mod reference;
mod reload;
mod restart;
mod script;
mod stop;
