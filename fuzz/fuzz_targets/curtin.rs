//! Any bytes: a fragment, or faults that each have a place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::curtin;
use nvmeroot_plan::{Document, Scope, resolve};

fuzz_target!(|bytes: &[u8]| {
    match curtin::read("fuzz", bytes) {
        Ok(input) => {
            let plan = resolve(vec![input.fragment]);
            let _ = Document::new(plan, Scope::Everything);
        }
        Err(error) => assert!(!error.into_diagnostics().shown.is_empty()),
    }
});
