//! musl names any thread, by a path that it prints with all that `printf` can do: a
//! hundredth of the program. The standard library names the one that calls, and no other.
#![allow(
    unsafe_code,
    reason = "an exported name may clash with another; this is meant to take musl's place"
)]

use std::ffi::{c_char, c_int};

/// Names the thread that calls (pthread_setname_np(3)).
// SAFETY: the name is meant to be musl's. That is in a static library, of which only what
// is missing is linked.
#[unsafe(no_mangle)]
extern "C" fn pthread_setname_np(_: libc::pthread_t, name: *const c_char) -> c_int {
    // SAFETY: `PR_SET_NAME` reads a string that ends with a zero byte (prctl(2)).
    unsafe { libc::prctl(libc::PR_SET_NAME, name) }
}
