//! Any frame on the link: a DHCP payload that lies in it, an ARP packet,
//! something else, or damaged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_agent::net::dhcp::{parse_arp, parse_udp};

fuzz_target!(|bytes: &[u8]| {
    let _ = parse_arp(bytes);
    let mut frame = bytes.to_vec();
    mend_header(&mut frame);
    if let Ok(Some((_, payload))) = parse_udp(&frame) {
        // Behind the Ethernet, IPv4 and UDP headers.
        assert!(payload.len() + 14 + 20 + 8 <= frame.len());
        assert!(frame.as_ptr_range().contains(&payload.as_ptr()) || payload.is_empty());
    }
});

/// Makes the IPv4 header's checksum right (RFC 1071), which the fuzzer would
/// hardly ever.
fn mend_header(frame: &mut [u8]) {
    let Some(first) = frame.get(14) else {
        return;
    };
    let end = 14 + usize::from(first & 0xf) * 4;
    let Some(header) = frame.get_mut(14..end).filter(|h| h.len() >= 20) else {
        return;
    };
    header[10..12].fill(0);
    let mut sum: u32 = header
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    header[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
