//! Makes a process that shares this one's memory until it becomes another program, on a stack of its own, while this one stands still
//! (clone(2) with CLONE_VM and CLONE_VFORK, as posix_spawn does it): no page table is copied, and no page is copied when either is written to. One
//! that becomes another user's on its way has a copy.
//!
//! It is made in its cgroup where the kernel lets us. A process that is moved into a cgroup waits until every CPU has passed
//! a quiet point, which takes 5 to 25 ms where nothing was moved just before; one that is made in it waits for nothing.

use rustix::process::Pid;
use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// What the process does: it becomes another program, or ends itself. It takes no memory, and gives none back: it would be this process's.
pub type Life = extern "C" fn(*mut c_void) -> libc::c_int;

/// Room for the calls that a process makes before it becomes another program.
const STACK: usize = 64 * 1024;

/// Whose memory the process has until it is another program.
#[derive(Clone, Copy)]
pub enum Memory {
    /// This one's.
    Shared,
    /// A copy: whoever may look into the process, since it is another user's by then, sees no more.
    Copied,
}

impl Memory {
    const fn flags(self) -> i32 {
        match self {
            Self::Shared => libc::CLONE_VM | libc::CLONE_VFORK,
            Self::Copied => libc::CLONE_VFORK,
        }
    }
}

/// A stack that grows down.
struct Stack(Box<[std::mem::MaybeUninit<u8>]>);

impl Stack {
    fn new() -> Self {
        Self(Box::new_uninit_slice(STACK))
    }

    /// Its lowest address and its length; both are multiples of 16, as calls need it.
    fn place(&mut self) -> (usize, usize) {
        let from = self.0.as_mut_ptr().expose_provenance();
        let lowest = from.next_multiple_of(16);
        (lowest, (from + STACK - lowest) & !15)
    }
}

/// Makes the process in the cgroup whose folder this is. `None`: this kernel, or whoever guards it, does not let us; nothing was made.
///
/// # Safety
///
/// Only for a process of a single thread; `life` can work with `argument`.
pub unsafe fn into_cgroup(folder: BorrowedFd<'_>, memory: Memory, life: Life, argument: *mut c_void) -> Option<Pid> {
    let mut stack = Stack::new();
    let (lowest, length) = stack.place();
    let arguments = CloneArgs {
        flags: CLONE_INTO_CGROUP | memory.flags() as u64,
        exit_signal: libc::SIGCHLD as u64,
        stack: lowest as u64,
        stack_size: length as u64,
        cgroup: u64::try_from(folder.as_raw_fd()).ok()?,
        ..CloneArgs::default()
    };
    // SAFETY: the arguments are whole and outlive the call, and what the caller has promised.
    let made = unsafe { clone3(&arguments, life, argument) };
    i32::try_from(made).ok().filter(|made| *made > 0).and_then(Pid::from_raw)
}

/// Makes it wherever this process is.
///
/// # Safety
///
/// As for [`into_cgroup`].
pub unsafe fn beside(memory: Memory, life: Life, argument: *mut c_void) -> io::Result<Pid> {
    let mut stack = Stack::new();
    let (lowest, length) = stack.place();
    let top = std::ptr::with_exposed_provenance_mut(lowest + length);
    // SAFETY: the stack outlives the process's use of it, for which this one stands still, and what the caller has promised.
    let made = unsafe { libc::clone(life, top, memory.flags() | libc::SIGCHLD, argument) };
    Some(made).filter(|made| *made > 0).and_then(Pid::from_raw).ok_or_else(io::Error::last_os_error)
}

/// The kernel's `struct clone_args` as of Linux 5.7.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// libc's constant is an `int`, which it does not fit into.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// clone3(2), for which the C library has no function. The new process begins with this one's registers, but for its stack: it calls `life`
/// there, and never comes back from it. What it does to registers is its own, and this process's are as they were.
///
/// # Safety
///
/// As for [`into_cgroup`]; the arguments name a stack.
#[cfg(target_arch = "x86_64")]
unsafe fn clone3(arguments: &CloneArgs, life: Life, argument: *mut c_void) -> isize {
    let made;
    // SAFETY: the caller's promises. The kernel changes rcx and r11 (syscall), and the answer lies in rax.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 as isize => made,
            in("rdi") arguments,
            in("rsi") size_of::<CloneArgs>(),
            in("r12") argument,
            in("r13") life,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    made
}

/// As above.
///
/// # Safety
///
/// As above.
#[cfg(target_arch = "aarch64")]
unsafe fn clone3(arguments: &CloneArgs, life: Life, argument: *mut c_void) -> isize {
    let made;
    // SAFETY: the caller's promises. The answer lies in x0.
    unsafe {
        std::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x20",
            "blr x21",
            "brk 1",
            "2:",
            inlateout("x0") arguments as *const CloneArgs as isize => made,
            in("x1") size_of::<CloneArgs>(),
            in("x8") libc::SYS_clone3,
            in("x20") argument,
            in("x21") life,
        );
    }
    made
}

/// Elsewhere commands are moved into their cgroups.
///
/// # Safety
///
/// Nothing is made.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn clone3(_: &CloneArgs, _: Life, _: *mut c_void) -> isize {
    -1
}
