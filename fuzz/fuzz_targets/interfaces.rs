//! ifupdown's `/etc/network/interfaces`, with a file that it may include.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::{Files, ifupdown};

struct Two<'a>(&'a [u8], &'a [u8]);

impl Files for Two<'_> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let bytes = if path == ifupdown::INTERFACES { self.0 } else { self.1 };
        Some(bytes.to_vec())
    }

    fn list(&self, _: &str) -> Vec<String> {
        vec!["a".to_owned(), "b.cfg".to_owned()]
    }
}

fuzz_target!(|input: (&[u8], &[u8])| {
    let _ = ifupdown::read(&Two(input.0, input.1));
});
