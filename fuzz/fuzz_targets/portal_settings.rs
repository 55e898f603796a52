//! Any bytes as `config.json` and `discovery.conf`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::nvme_etc::{config_json, discovery_conf};

fuzz_target!(|bytes: &[u8]| {
    let lines = discovery_conf("discovery.conf", bytes);
    let hosts = config_json("config.json", bytes).unwrap_or_default();
    for one in lines.ports.iter().chain(&hosts.ports) {
        // The kernel splits its options at commas.
        assert!(one.nqn.iter().all(|nqn| !nqn.as_str().contains(',')));
    }
});
