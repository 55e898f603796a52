//! A key file of NetworkManager's.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::{Card, Files, network_manager};

struct One<'a>(&'a [u8]);

impl Files for One<'_> {
    fn read(&self, _: &str) -> Option<Vec<u8>> {
        Some(self.0.to_vec())
    }

    fn list(&self, _: &str) -> Vec<String> {
        vec!["a.nmconnection".to_owned()]
    }
}

fuzz_target!(|text: &[u8]| {
    let card = Card {
        name: "ens3".to_owned(),
        mac: None,
        driver: None,
    };
    let _ = network_manager::read(&One(text), &[]);
    let _ = network_manager::read(&One(text), &[card]);
});
