//! Any uevent: what is read of the kernel's is what stands there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_agent::sys::uevent::devpath;

fuzz_target!(|message: &[u8]| {
    if let Some(path) = devpath(message) {
        let head = message.split(|byte| *byte == 0).next();
        assert!(head.is_some_and(|head| head.ends_with(format!("@{path}").as_bytes())));
    }
});
