//! Any bytes as `config.json`, `discovery.conf` and `nvme-fabrics.conf`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvmeroot_intake::nvme_etc::{FabricsFile, config_json, discovery_conf, fabrics_conf};

fuzz_target!(|bytes: &[u8]| {
    let lines = discovery_conf("discovery.conf", bytes);
    let hosts = config_json("config.json", bytes).unwrap_or_default();
    let name = "nvme-fabrics.conf";
    let sections = fabrics_conf(Some(FabricsFile { name, bytes }), &[]);
    let of_json = hosts.ports.iter().chain(&sections.ports);
    for one in lines.ports.iter().chain(of_json) {
        // The kernel splits its options at commas.
        assert!(one.nqn.iter().all(|nqn| !nqn.as_str().contains(',')));
    }
});
