//! Users and groups by name, looked up before the child exists: name services take locks and allocate.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use ubmc_core::input::{SpawnError, SpawnStage};

use super::recipe::refused;

/// Who a process runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Absent: the daemon's.
    pub(super) uid: Option<u32>,
    pub(super) gid: u32,
    /// Supplementary groups; exactly these.
    pub(super) groups: Vec<u32>,
}

impl Identity {
    /// The identity and the user's home. Absent when nothing has to change: nothing is declared, or it is what the
    /// daemon is anyway and cannot change without privileges.
    pub(super) fn find(user: Option<&str>, group: Option<&str>) -> Result<Option<(Self, Option<String>)>, SpawnError> {
        if user.is_none() && group.is_none() {
            return Ok(None);
        }
        let user = user.map(find_user).transpose()?;
        let group = group.map(find_group).transpose()?;
        let gid = group.or(user.as_ref().and_then(|user| user.gid)).unwrap_or_else(Gid::current);
        let is_our_own = user.as_ref().is_none_or(|user| user.uid == Uid::effective()) && gid == Gid::effective();
        if is_our_own && !Uid::effective().is_root() {
            return Ok(None);
        }
        let groups = match user.as_ref().and_then(|user| user.name.as_ref()) {
            Some(name) => getgrouplist(name, gid).map_err(|errno| SpawnError {
                stage: SpawnStage::User,
                errno: errno as i32,
                text: format!("groups of user `{}`: {}", name.to_string_lossy(), errno.desc().to_lowercase()),
            })?,
            None => vec![gid],
        };
        let home = user.as_ref().and_then(|user| user.home.clone());
        let identity = Self {
            uid: user.map(|user| user.uid.as_raw()),
            gid: gid.as_raw(),
            groups: groups.into_iter().map(Gid::as_raw).collect(),
        };
        Ok(Some((identity, home)))
    }
}

pub(super) struct Found {
    uid: Uid,
    gid: Option<Gid>,
    name: Option<CString>,
    home: Option<String>,
}

pub(super) fn find_user(name: &str) -> Result<Found, SpawnError> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(Found {
            uid: user.uid,
            gid: Some(user.gid),
            name: CString::new(user.name).ok(),
            home: user.dir.to_str().map(str::to_owned),
        }),
        Ok(None) => match name.parse() {
            Ok(number) => Ok(Found { uid: Uid::from_raw(number), gid: None, name: None, home: None }),
            Err(_) => Err(refused(SpawnStage::User, format!("there is no user `{name}` on this machine"))),
        },
        Err(errno) => Err(SpawnError {
            stage: SpawnStage::User,
            errno: errno as i32,
            text: format!("looking up user `{name}`: {}", errno.desc().to_lowercase()),
        }),
    }
}

pub(super) fn find_group(name: &str) -> Result<Gid, SpawnError> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => match name.parse() {
            Ok(number) => Ok(Gid::from_raw(number)),
            Err(_) => Err(refused(SpawnStage::User, format!("there is no group `{name}` on this machine"))),
        },
        Err(errno) => Err(SpawnError {
            stage: SpawnStage::User,
            errno: errno as i32,
            text: format!("looking up group `{name}`: {}", errno.desc().to_lowercase()),
        }),
    }
}
