//! Any uevent: what is read of the kernel's is what stands there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_agent::sys::uevent::Uevent;

fuzz_target!(|message: &[u8]| {
    if let Some(event) = Uevent::parse(message) {
        let head = format!("{}@{}", event.action, event.devpath);
        assert!(message.starts_with(head.as_bytes()));
    }
});
