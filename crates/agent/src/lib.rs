//! The initramfs program: from the boot plan to root, by system calls.
//!
//! Four rooms, each of which knows those before it: [`sys`] (the kernel and the
//! system around the program), [`task`] (how work waits, retries and is recorded),
//! [`net`] (a thread for each interface) and [`storage`] (one pool for the
//! controllers), and [`boot`], which starts both, waits and reports.

pub mod boot;
pub mod net;
pub mod storage;
pub mod sys;
pub mod task;
