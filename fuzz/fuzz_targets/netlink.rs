//! Any datagram of rtnetlink's: links, addresses, ways, or nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_agent::sys::netlink::{Address, Link, Message, RouteDecision};

fuzz_target!(|datagram: &[u8]| {
    let mut rest = datagram;
    while let Some((message, next)) = Message::split(rest) {
        assert!(next.len() < rest.len());
        rest = next;
        let _ = (
            Link::read(message),
            Address::read(message),
            RouteDecision::read(message),
        );
    }
});
