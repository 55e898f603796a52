//! Any bytes, as one file and as two that merge: a fragment, or faults.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::netplan::{Source, read};
use nvmeroot_plan::{Document, Scope, resolve};

fn source<'a>(path: &str, text: &'a [u8]) -> Source<'a> {
    Source {
        name: path.to_owned(),
        path: Some(path.to_owned()),
        text,
        ..Source::default()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    let one = vec![source("etc/netplan/a.yaml", bytes)];
    let two = vec![
        source("etc/netplan/a.yaml", head),
        source("etc/netplan/b.yaml", tail),
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
