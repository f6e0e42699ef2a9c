//! Supervision of services.

mod spec;

pub use spec::{
    Binary, Builtin, Deployment, Epoch, Group, HealthCheck, HealthSpec, Limits, Readiness, RestartPolicy, RestartSpec,
    Run, Rung, ServiceSpec, Signal,
};
