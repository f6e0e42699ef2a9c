//! Who may call what: one table, applied before a request reaches its service.

use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tonic::{
    Code, Request, Status,
    body::Body,
    codegen::http::{self, request::Parts},
};
use tower::{Layer, Service};

use super::to_wire;

/// What a caller may do; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read everything.
    Viewer,
    /// Also drive services, machines, fans and LEDs.
    Operator,
    /// Also end the daemon, change what it is configured to do, and bend the simulated board.
    Administrator,
}

impl Role {
    /// Short.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Services whose every method only reads, beside those of `ubmc.v1`.
const OPEN: [&str; 3] =
    ["/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"];

/// Least role for each method of `ubmc.v1`, without the package.
const METHODS: &[(&str, Role)] = {
    use Role::{Administrator, Operator, Viewer};
    &[
        ("OperatorService/ListServices", Viewer),
        ("OperatorService/GetService", Viewer),
        ("OperatorService/WatchServices", Viewer),
        ("OperatorService/StartServices", Operator),
        ("OperatorService/StopServices", Operator),
        ("OperatorService/RestartServices", Operator),
        ("OperatorService/ResetService", Operator),
        ("OperatorService/GetDependencies", Viewer),
        ("OperatorService/ValidateServices", Viewer),
        ("OperatorService/CheckOperation", Viewer),
        // What the files describe may run as anybody.
        ("OperatorService/ReloadServices", Administrator),
        ("OperatorService/WhatIfStopped", Viewer),
        ("OperatorService/TailLogs", Viewer),
        ("StateService/ListMachines", Viewer),
        ("StateService/GetMachine", Viewer),
        ("StateService/WatchMachines", Viewer),
        ("StateService/GetMachineGraph", Viewer),
        ("StateService/RequestTransition", Operator),
        ("StateService/ScheduleTransition", Operator),
        ("StateService/CancelSchedule", Operator),
        ("StateService/SetRestorePolicy", Operator),
        ("StateService/ListOperations", Viewer),
        ("StateService/GetOperation", Viewer),
        ("StateService/WatchOperation", Viewer),
        ("StateService/WatchOperations", Viewer),
        ("StateService/CancelOperation", Operator),
        ("StateService/ListSchedules", Viewer),
        ("StateService/ListHistory", Viewer),
        ("StateService/VerifyMachines", Viewer),
        ("StateService/ListTransitionCounts", Viewer),
        // Whoever overrides an interlock answers for what it was there to prevent.
        ("StateService/OverrideInterlock", Administrator),
        ("StateService/RestoreInterlock", Operator),
        ("SensorService/ListSensors", Viewer),
        ("SensorService/GetSensor", Viewer),
        ("SensorService/WatchSensors", Viewer),
        ("SensorService/GetSensorHistory", Viewer),
        ("ThermalService/ListZones", Viewer),
        ("ThermalService/GetZone", Viewer),
        ("ThermalService/WatchZones", Viewer),
        ("ThermalService/ListFans", Viewer),
        ("ThermalService/SetOverride", Operator),
        ("ThermalService/ClearOverride", Operator),
        ("PowerService/ListRails", Viewer),
        ("PowerService/ListSupplies", Viewer),
        ("LedService/ListLeds", Viewer),
        ("LedService/Identify", Operator),
        ("LedService/SetLed", Operator),
        ("InventoryService/ListItems", Viewer),
        ("InventoryService/GetItem", Viewer),
        ("InventoryService/ListResources", Viewer),
        ("EventService/ListEvents", Viewer),
        ("EventService/Watch", Viewer),
        ("SystemService/GetStatus", Viewer),
        ("SystemService/WatchStatus", Viewer),
        ("SystemService/Why", Viewer),
        ("SystemService/GetBootTimeline", Viewer),
        ("SystemService/Shutdown", Administrator),
        ("SimulationService/ListFaults", Viewer),
        ("SimulationService/GetState", Viewer),
        ("SimulationService/InjectFault", Administrator),
        ("SimulationService/ClearFaults", Administrator),
        ("SimulationService/SetValue", Administrator),
        ("SimulationService/Start", Administrator),
        ("SimulationService/Stop", Administrator),
    ]
};

/// Least role for the method at `path`, e.g. `/ubmc.v1.SystemService/Shutdown`. What the table does not know needs the
/// highest: a forgotten line refuses, it does not open.
fn least_role(path: &str) -> Role {
    if OPEN.iter().any(|service| path.starts_with(service)) {
        return Role::Viewer;
    }
    let method = path.strip_prefix("/ubmc.v1.").unwrap_or_default();
    METHODS.iter().find(|(name, _)| *name == method).map_or(Role::Administrator, |(_, role)| *role)
}

/// Whether `service`, e.g. `ubmc.v1.PowerService`, is one of ours.
pub(super) fn is_served(service: &str) -> bool {
    let name = service.strip_prefix("ubmc.v1.").unwrap_or_default();
    METHODS.iter().any(|(method, _)| method.split_once('/').is_some_and(|(service, _)| service == name))
}

/// Who is at the other end of a connection, as the kernel says it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// For events, e.g. `uid 0 (root)`.
    pub actor: Arc<str>,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// A process of user `uid` on this machine. Root and the daemon's own user may do everything, others read.
    pub fn local(uid: u32) -> Self {
        let privileged = uid == 0 || uid == nix::unistd::geteuid().as_raw();
        let role = if privileged { Role::Administrator } else { Role::Viewer };
        let user = nix::unistd::User::from_uid(uid.into()).ok().flatten();
        let actor = match user {
            Some(user) => format!("uid {uid} ({})", user.name),
            None => format!("uid {uid}"),
        };
        Self { actor: actor.into(), role }
    }

    /// The caller of a request. Requests without one do not get past [`Guard`].
    pub fn of<T>(request: &Request<T>) -> String {
        request.extensions().get::<Self>().map_or_else(|| "unknown".to_owned(), |caller| caller.actor.to_string())
    }

    /// Whether the caller may call `path`.
    fn check(&self, path: &str) -> Result<(), Status> {
        let needed = least_role(path);
        if self.role >= needed {
            return Ok(());
        }
        let method = path.rsplit('/').next().unwrap_or(path);
        let text = format!(
            "{method} needs the role {needed}, and {} is a {}: call it as root or as the user that ubmcd runs as",
            self.actor, self.role
        );
        Err(to_wire::with_reason(Code::PermissionDenied, "ROLE_TOO_LOW", text))
    }
}

/// Puts [`Guard`] in front of the services.
#[derive(Clone, Copy, Debug, Default)]
pub struct GuardLayer;

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner }
    }
}

/// Lets through what its caller may do.
#[derive(Clone, Debug)]
pub struct Guard<S> {
    inner: S,
}

impl<S> Service<http::Request<Body>> for Guard<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible> + Send,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (parts, body) = request.into_parts();
        match admit(&parts) {
            Ok(()) => Box::pin(self.inner.call(http::Request::from_parts(parts, body))),
            Err(status) => Box::pin(std::future::ready(Ok(status.into_http()))),
        }
    }
}

fn admit(parts: &Parts) -> Result<(), Status> {
    match parts.extensions.get::<Caller>() {
        Some(caller) => caller.check(parts.uri.path()),
        None => Err(to_wire::with_reason(Code::Unauthenticated, "NO_CREDENTIALS", "the kernel does not say who calls")),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    /// Every method of the served descriptors, as `Service/Method`.
    fn served() -> Vec<String> {
        let set = prost_types::FileDescriptorSet::decode(ubmc_proto::DESCRIPTORS).unwrap();
        let services = set.file.into_iter().filter(|file| file.package() == "ubmc.v1").flat_map(|file| file.service);
        services
            .flat_map(|service| {
                let name = service.name().to_owned();
                service.method.into_iter().map(move |method| format!("{name}/{}", method.name()))
            })
            .collect()
    }

    #[test]
    fn every_method_has_its_line_and_every_line_its_method() {
        let mut served = served();
        let mut listed: Vec<_> = METHODS.iter().map(|(name, _)| (*name).to_owned()).collect();
        served.sort();
        listed.sort();
        assert_eq!(listed, served);
    }

    #[test]
    fn what_changes_something_is_not_for_viewers() {
        const CHANGING: [&str; 15] = [
            "Start", "Stop", "Restart", "Reset", "Request", "Cancel", "Set", "Clear", "Identify", "Inject", "Shutdown",
            "Reload", "Override", "Restore", "Schedule",
        ];
        for (name, role) in METHODS {
            let method = name.split_once('/').unwrap().1;
            let changes = CHANGING.iter().any(|verb| method.starts_with(verb));
            assert_eq!(changes, *role > Role::Viewer, "{name}");
        }
    }

    #[test]
    fn a_refused_caller_learns_which_role_is_needed() {
        let caller = |role| Caller { actor: "uid 1000 (ann)".into(), role };
        for (role, path, allowed) in [
            (Role::Viewer, "/ubmc.v1.SensorService/ListSensors", true),
            (Role::Viewer, "/ubmc.v1.OperatorService/StopServices", false),
            (Role::Operator, "/ubmc.v1.OperatorService/StopServices", true),
            (Role::Operator, "/ubmc.v1.SystemService/Shutdown", false),
            (Role::Administrator, "/ubmc.v1.SystemService/Shutdown", true),
            (Role::Viewer, "/grpc.health.v1.Health/Check", true),
            (Role::Viewer, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true),
            (Role::Operator, "/ubmc.v1.SystemService/NotInTheTable", false),
        ] {
            let told = caller(role).check(path);
            assert_eq!(told.is_ok(), allowed, "{role} {path}");
            if let Err(status) = told {
                assert_eq!(status.code(), Code::PermissionDenied);
                assert!(status.message().contains("needs the role"), "{}", status.message());
            }
        }
    }

    #[test]
    fn root_and_our_own_user_administer_and_strangers_read() {
        let own = nix::unistd::geteuid().as_raw();
        assert_eq!(Caller::local(0).role, Role::Administrator);
        assert_eq!(Caller::local(own).role, Role::Administrator);
        let stranger = Caller::local(4_000_000_000);
        assert_eq!((stranger.role, &*stranger.actor), (Role::Viewer, "uid 4000000000"));
        assert!(Caller::local(0).actor.starts_with("uid 0 ("));
    }
}
