//! Any bytes: a tree or an error, and every position lies in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::yaml::parse;

fuzz_target!(|bytes: &[u8]| {
    match parse("fuzz", bytes) {
        Ok(document) => {
            // A lone carriage return breaks a line too (YAML 1.2, section 5.4).
            let lines = document.text().split(['\n', '\r']).count() + 1;
            assert!(document.root().position().line as usize <= lines);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
