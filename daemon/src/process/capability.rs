//! Capabilities by name, as capabilities(7) numbers them.

use ubmc_core::input::{SpawnError, SpawnStage};

use super::recipe::refused;

/// In the order of their numbers, from 0.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// `DAC_OVERRIDE` and `DAC_READ_SEARCH`: mode bits keep out nobody who has them.
pub(super) const ALL_FILES: u64 = 1 << 1 | 1 << 2;

/// The number of a capability; `CAP_` and upper case may be left out.
pub(super) fn number(name: &str) -> Option<u32> {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    NAMES.iter().position(|known| *known == bare).and_then(|number| u32::try_from(number).ok())
}

/// The bit set of the named capabilities.
pub(super) fn set(names: &[String]) -> Result<u64, SpawnError> {
    let mut set = 0;
    for name in names {
        match number(name) {
            Some(number) => set |= 1 << number,
            None => return Err(refused(SpawnStage::Privileges, format!("`{name}` is not a capability"))),
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_the_kernels_numbers() {
        let set = |names: &[&str]| set(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(set(&[]).unwrap(), 0);
        assert_eq!(set(&["CAP_CHOWN"]).unwrap(), 1);
        assert_eq!(set(&["CAP_NET_ADMIN", "net_raw"]).unwrap(), 1 << 12 | 1 << 13);
        assert_eq!(set(&["CAP_CHECKPOINT_RESTORE"]).unwrap(), 1 << 40);
        assert_eq!(
            set(&["CAP_NET_ADMN"]).unwrap_err().to_string(),
            "dropping privileges failed: `CAP_NET_ADMN` is not a capability"
        );
    }
}
