//! clone3, for which no libc has a function.

use std::ffi::{c_long, c_void};

/// The child starts without our signal handlers (Linux 5.5).
pub(super) const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// The child is born in a control group (Linux 5.7).
pub(super) const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// `struct clone_args` of linux/sched.h, as of Linux 5.7.
#[repr(C, align(8))]
#[derive(Default)]
pub(super) struct CloneArgs {
    pub(super) flags: u64,
    pub(super) pidfd: u64,
    pub(super) child_tid: u64,
    pub(super) parent_tid: u64,
    pub(super) exit_signal: u64,
    pub(super) stack: u64,
    pub(super) stack_size: u64,
    pub(super) tls: u64,
    pub(super) set_tid: u64,
    pub(super) set_tid_size: u64,
    pub(super) cgroup: u64,
}

/// Whether there is a `clone3` below for this architecture.
pub(super) const CLONE3_KNOWN: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm"));

/// clone3 onto another stack: libc has no function for it. Returns the pid or the negative errno, in the parent alone.
///
/// What the child needs is in registers with names, here and below: one that the compiler chose could be the frame
/// pointer, which the child clears as the bottom of its stack, or which a system call wants for itself.
///
/// # Safety
/// `args` must describe a stack that is free; `child` must bear to run on it with `argument`.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn clone3(
    args: *const CloneArgs,
    child: extern "C" fn(*mut c_void) -> !,
    argument: *mut c_void,
) -> c_long {
    let result: c_long;
    // SAFETY: the kernel keeps all registers but rax, rcx and r11, in the child too; rdx and r8 are no arguments of
    // this call. The child's stack pointer is the top of its own stack, aligned for a call, and it never comes back.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, rdx",
            "call r8",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => result,
            in("rdi") args,
            in("rsi") size_of::<CloneArgs>(),
            in("rdx") argument,
            in("r8") child,
            out("rcx") _,
            out("r11") _,
        );
    }
    result
}

/// As for x86_64.
#[cfg(target_arch = "aarch64")]
pub(super) unsafe fn clone3(
    args: *const CloneArgs,
    child: extern "C" fn(*mut c_void) -> !,
    argument: *mut c_void,
) -> c_long {
    let result: c_long;
    // SAFETY: the kernel keeps all registers but x0; the child runs on its own stack and never comes back.
    unsafe {
        std::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x2",
            "blr x3",
            "brk 1",
            "2:",
            in("x8") libc::SYS_clone3,
            inlateout("x0") args => result,
            in("x1") size_of::<CloneArgs>(),
            in("x2") argument,
            in("x3") child,
        );
    }
    result
}

/// As for x86_64.
#[cfg(target_arch = "arm")]
pub(super) unsafe fn clone3(
    args: *const CloneArgs,
    child: extern "C" fn(*mut c_void) -> !,
    argument: *mut c_void,
) -> c_long {
    let result: c_long;
    // SAFETY: the kernel keeps all registers but r0; r7 (its number register, and thumb's frame pointer) is put back
    // before anything else runs. The child runs on its own stack and never comes back.
    unsafe {
        std::arch::asm!(
            "mov r5, r7",
            "mov r7, r4",
            "svc 0",
            "mov r7, r5",
            "cmp r0, #0",
            "bne 2f",
            "mov r0, r2",
            "blx r3",
            "udf #0",
            "2:",
            inlateout("r0") args => result,
            in("r1") size_of::<CloneArgs>(),
            in("r2") argument,
            in("r3") child,
            in("r4") libc::SYS_clone3,
            out("r5") _,
        );
    }
    result
}

/// Not built for this architecture; [`CLONE3_KNOWN`] keeps it from being called.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm")))]
pub(super) unsafe fn clone3(_: *const CloneArgs, _: extern "C" fn(*mut c_void) -> !, _: *mut c_void) -> c_long {
    -c_long::from(libc::ENOSYS)
}
