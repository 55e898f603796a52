//! Any discovery log page: entries or not, and none of them adds an option to
//! what is written to the kernel.
#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use nvmeroot_agent::storage::fabrics::{Request, Supported};
use nvmeroot_fabrics::log_page::{ENTRY, LogHeader, MOST_ENTRIES, parse_entries};
use nvmeroot_plan::{ConnectOptions, Nqn, Transport};

fuzz_target!(|page: &[u8]| {
    if let Ok(header) = LogHeader::parse(page) {
        assert!(header.records <= MOST_ENTRIES);
    }
    let (entries, left_out) = parse_entries(page);
    assert_eq!(entries.len() + left_out, page.len().div_ceil(ENTRY));
    let options = ConnectOptions::default();
    let text = |at, nqn: &str| {
        let request = Request {
            transport: Transport::Tcp,
            at,
            nqn,
            host: None,
            options: &options,
        };
        request.text(&Supported::unknown()).0
    };
    for entry in entries {
        let written = text(
            SocketAddr::new(entry.traddr, entry.trsvcid.get()),
            entry.nqn.as_str(),
        );
        // A discovery controller is made with fewer options.
        let harmless = match entry.nqn.as_str() {
            Nqn::DISCOVERY => Nqn::DISCOVERY,
            _ => "nqn.2024-01.a:b",
        };
        let harmless = text(SocketAddr::new(entry.traddr, 4420), harmless);
        let count = |text: &str| text.matches([',', '=', '\n', '\0']).count();
        // An NQN may hold an `=`; the kernel takes it for a part of the value.
        let own = entry.nqn.as_str().matches('=').count();
        assert_eq!(count(&written), count(&harmless) + own);
    }
});
