//! Any bytes as the entries of a version 1, in curtin's configuration and in a
//! file of cloud-init: a fragment, or faults that each have a place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::curtin;
use nvmeroot_intake::netplan::{Source, read_with};
use nvmeroot_plan::{Document, Scope, resolve};

fuzz_target!(|bytes: &[u8]| {
    let mut text = b"network:\n  version: 1\n  config:\n".to_vec();
    text.extend_from_slice(bytes);
    let source = Source {
        name: "fuzz".to_owned(),
        path: Some("etc/cloud/cloud.cfg.d/99-fuzz.cfg".to_owned()),
        text: &text,
        ..Source::default()
    };
    let curtin = curtin::read("fuzz", &text).ok().and_then(|input| input.network);
    for (sources, network) in [(vec![], curtin.as_ref()), (vec![source], None)] {
        match read_with(&sources, network) {
            Ok(fragment) => {
                let _ = Document::new(resolve(vec![fragment]), Scope::Everything);
            }
            Err(error) => assert!(!error.into_diagnostics().shown.is_empty()),
        }
    }
});
