//! There is no stack to walk: the program that goes into the initramfs has no
//! tables for it, and whoever panics there ends at once.
//!
//! The standard library all the same brings what names the frames of a
//! backtrace: a reader of debugging information, an unpacker for it, a
//! demangler. That is a third of the program, and reached only through the
//! unwinder's walk. With a walk in its place that sees no frame, the compiler
//! finds that nothing of it is ever called.
#![allow(
    unsafe_code,
    reason = "an exported name may clash with another; these are meant to take the unwinder's place"
)]

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK` (Itanium C++ ABI: Exception Handling, section 1.2).
const END_OF_STACK: c_int = 5;

/// Walks the stack: calls nobody, and says that its end is reached. Takes what
/// the unwinder's own function takes.
// SAFETY: the name is meant to be the unwinder's. That is in a static library,
// of which only what is missing is linked, and nothing is.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_: *const c_void, _: *mut c_void) -> c_int {
    END_OF_STACK
}

/// What the standard library's landing pads and its reader of unwinding tables
/// would call, if anybody unwound.
macro_rules! never_called {
    ($($name:ident)*) => {$(
        // SAFETY: as above; and whatever it is given, it does not return.
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> ! {
            std::process::abort()
        }
    )*};
}

never_called! {
    _Unwind_Resume
    _Unwind_GetDataRelBase
    _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData
    _Unwind_GetRegionStart
    _Unwind_GetTextRelBase
    _Unwind_SetGR
    _Unwind_SetIP
}
