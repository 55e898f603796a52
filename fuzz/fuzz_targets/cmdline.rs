//! Any kernel command line: a deadline above 0, complaints of one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_firmware::CommandLine;

fuzz_target!(|text: &str| {
    let line = CommandLine::parse(text);
    assert!(!line.deadline.is_zero());
    assert!(
        line.root
            .is_none_or(|root| text.contains('=') && !root.is_empty())
    );
});
