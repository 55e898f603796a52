//! A `.network` file of systemd-networkd's, beside an interface.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::networkd::network_fits;
use nvmeroot_plan::{Interface, LinkKind, Origin};

fuzz_target!(|text: &str| {
    let (Ok(id), Ok(name)) = ("ens3".parse(), "ens3".parse()) else {
        return;
    };
    let card = Interface::new(id, name, LinkKind::Ethernet, Origin::whole("network"));
    network_fits(text, &card);
});
