//! Any bytes, as one file and as two that merge: a fragment, or faults.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::netplan::{Source, read};
use nvmeroot_plan::{Document, Scope, resolve};

fuzz_target!(|bytes: &[u8]| {
    let half = bytes.len() / 2;
    let source = |name, bytes| Source { name, path: Some(name), bytes };
    let one = vec![source("etc/netplan/a.yaml", bytes)];
    let two = vec![
        source("etc/netplan/a.yaml", &bytes[..half]),
        source("etc/netplan/b.yaml", &bytes[half..]),
    ];
    for sources in [one, two] {
        match read(&sources) {
            Ok(fragment) => {
                let _ = Document::new(resolve(vec![fragment]), Scope::Everything);
            }
            Err(error) => assert!(!error.into_diagnostics().shown.is_empty()),
        }
    }
});
