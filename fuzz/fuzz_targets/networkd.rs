//! systemd-networkd's files: beside an interface, and as what it brings up.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::networkd::{self, network_fits};
use nvmeroot_intake::Files;
use nvmeroot_plan::{Interface, LinkKind, Origin};

struct One<'a>(&'a str);

impl Files for One<'_> {
    fn read(&self, _: &str) -> Option<Vec<u8>> {
        Some(self.0.as_bytes().to_vec())
    }

    fn list(&self, _: &str) -> Vec<String> {
        ["a.network", "a.netdev", "b.conf"].map(str::to_owned).to_vec()
    }
}

fuzz_target!(|text: &str| {
    let (Ok(id), Ok(name)) = ("ens3".parse(), "ens3".parse()) else {
        return;
    };
    let card = Interface::new(id, name, LinkKind::Ethernet, Origin::whole("network"));
    network_fits(text, &card);
    let _ = networkd::read(&One(text), &[]);
});
