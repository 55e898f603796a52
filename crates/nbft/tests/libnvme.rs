//! libnvme's sample tables, used where they are: each is read, and every line
//! that libnvme's `nbft-dump` printed of it is what this crate reads.
//!
//! `NVMEROOT_NBFT_SAMPLES` names directories (colons between) as libnvme has
//! one in `test/nbft`: `tables`, `diffs` with `nbft-dump`'s output, and
//! `tables_bad`. `cargo xtask conformance` gets them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use nvmeroot_nbft::{
    Address, Availability, Discovery, Hfi, HfiFlags, HostFlags, Policy, SecurityFlags,
    SecurityProfile, Subsystem, SubsystemExtendedFlags, SubsystemFlags, Table, TransportFlags,
    parse,
};

/// What `nbft-dump` prints, by the name before `=`.
type Lines = BTreeMap<String, String>;

fn directories() -> Vec<PathBuf> {
    let all = std::env::var_os("NVMEROOT_NBFT_SAMPLES")
        .expect("NVMEROOT_NBFT_SAMPLES names libnvme's directories of samples");
    std::env::split_paths(&all).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
#[ignore = "needs libnvme's samples: cargo xtask conformance"]
fn every_table_is_read_as_libnvme_reads_it() {
    let (mut tables, mut compared) = (0, 0);
    let mut report = String::new();
    for directory in directories() {
        for path in files(&directory.join("tables")) {
            let name = path.file_name().expect("a name");
            let expected = fs::read_to_string(directory.join("diffs").join(name))
                .unwrap_or_else(|e| panic!("what libnvme prints of {name:?}: {e}"));
            let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let parsed = parse(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let mut ours = lines(&parsed.table);
            ours.insert("raw_nbft_size".to_owned(), bytes.len().to_string());
            for line in expected.lines() {
                let (key, value) = line.split_once('=').expect("a line of nbft-dump");
                compared += 1;
                let found = ours.get(key);
                if found.map(String::as_str) != Some(value) {
                    report += &format!("{name:?}: {key}: {value:?}, not {found:?}\n");
                }
            }
            // And it has no record more.
            let theirs: BTreeSet<&str> = expected
                .lines()
                .filter_map(|line| Some(line.split_once('=')?.0))
                .collect();
            for key in ours.keys().filter(|key| key.ends_with("->index")) {
                if !theirs.contains(key.as_str()) {
                    report += &format!("{name:?}: libnvme has no {key}\n");
                }
            }
            for note in &parsed.notes {
                println!("{name:?}: {note}");
            }
            // It is written as it was read.
            let again = parsed.table.to_bytes().expect("a table that was read");
            let again = parse(&again).unwrap_or_else(|e| panic!("{name:?}: {e}"));
            assert_eq!(again.table, parsed.table, "{name:?}");
            tables += 1;
        }
    }
    println!("{tables} tables, {compared} values compared");
    assert!(report.is_empty(), "{report}");
    assert!(tables >= 12, "libnvme has more tables: {tables}");
}

#[test]
#[ignore = "needs libnvme's samples: cargo xtask conformance"]
fn every_broken_table_is_refused() {
    let mut refused = 0;
    for directory in directories() {
        for path in files(&directory.join("tables_bad")) {
            let bytes = fs::read(&path).expect("a file");
            let broken = parse(&bytes).expect_err(&path.display().to_string());
            println!("{}: {broken}", path.display());
            refused += 1;
        }
    }
    assert!(refused >= 2, "libnvme has more broken tables: {refused}");
}

/// As `print_hex` of `nbft-dump.c`: without leading zeros.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:x}")).collect()
}

/// As C prints a null pointer.
fn text(text: Option<&str>) -> String {
    text.unwrap_or("(null)").to_owned()
}

fn bit(set: bool) -> String {
    u8::from(set).to_string()
}

/// What `print_nbft` of `nbft-dump.c` prints, of all versions since 1.4: before
/// libnvme 2 flags were printed one by one.
fn lines(table: &Table) -> Lines {
    let mut all = Lines::new();
    let mut add = |key: &str, value: String| {
        all.insert(key.to_owned(), value);
    };
    let host = &table.host;
    add("host.id", hex(&host.id.0));
    add("host.nqn", host.nqn.clone());
    add("host.flags", format!("{:#04x}", host.flags.bits()));
    add(
        "host.host_id_configured",
        bit(host.flags.contains(HostFlags::ID_CONFIGURED)),
    );
    add(
        "host.host_nqn_configured",
        bit(host.flags.contains(HostFlags::NQN_CONFIGURED)),
    );
    add("host.primary", (host.flags.bits() >> 3 & 3).to_string());
    for (n, hfi) in table.hfis.iter().enumerate() {
        hfi_lines(hfi, &mut |key, value| {
            add(&format!("hfi_list[{n}]->{key}"), value);
        });
    }
    for (n, one) in table.security.iter().enumerate() {
        let put = &mut |key: &str, value| add(&format!("security_list[{n}]->{key}"), value);
        security_lines(one, put);
    }
    for (n, one) in table.discovery.iter().enumerate() {
        let put = &mut |key: &str, value| add(&format!("discovery_list[{n}]->{key}"), value);
        discovery_lines(one, put);
    }
    for (n, one) in table.subsystems.iter().enumerate() {
        let put = &mut |key: &str, value| add(&format!("subsystem_ns_list[{n}]->{key}"), value);
        subsystem_lines(one, put);
    }
    all
}

fn hfi_lines(hfi: &Hfi, add: &mut dyn FnMut(&str, String)) {
    add("index", hfi.index.to_string());
    add("transport", "tcp".to_owned());
    let mut add = |key: &str, value: String| add(&format!("tcp_info.{key}"), value);
    let address = |address: Address| address.to_string();
    add("pci_sbdf", hfi.pci.sbdf.to_string());
    add("mac_addr", hex(&hfi.mac.0));
    add("vlan", hfi.vlan.to_string());
    add("ip_origin", hfi.origin.to_string());
    add("ipaddr", address(hfi.address));
    add("subnet_mask_prefix", hfi.prefix.to_string());
    add("gateway_ipaddr", address(hfi.gateway));
    add("route_metric", hfi.metric.to_string());
    add("primary_dns_ipaddr", address(hfi.dns[0]));
    add("secondary_dns_ipaddr", address(hfi.dns[1]));
    let server = match hfi.is_dhcp() {
        true => address(hfi.dhcp_server),
        false => String::new(),
    };
    add("dhcp_server_ipaddr", server);
    add("host_name", text(hfi.host_name.as_deref()));
    add("flags", format!("{:#04x}", hfi.flags.bits()));
    let default_route = hfi.flags.contains(HfiFlags::DEFAULT_ROUTE);
    add("this_hfi_is_default_route", bit(default_route));
    add("dhcp_override", bit(hfi.is_dhcp()));
    add("pcie_seg_num", hfi.pci.segment.to_string());
    let extended = hfi.extended.clone().unwrap_or_default();
    add("dhcp_iaid", extended.iaid.unwrap_or(0).to_string());
    add("dhcp_duid", hex(&extended.duid));
    add("dhcp_duid_len", extended.duid.len().to_string());
}

fn security_lines(one: &SecurityProfile, add: &mut dyn FnMut(&str, String)) {
    add("index", one.index.to_string());
    add("flags", one.flags.bits().to_string());
    add("secret_type", one.secret_type.to_string());
    for (key, bytes) in [
        ("sec_chan_algs", &one.channels),
        ("auth_protocols", &one.protocols),
        ("cipher_suites", &one.ciphers),
        ("kx_groups", &one.groups),
        // Its name before the specification's change of terms.
        ("dh_groups", &one.groups),
        ("sec_hash_funcs", &one.hashes),
    ] {
        add(key, hex(bytes));
        add(&format!("{key}_len"), bytes.len().to_string());
    }
    add("secret_keypath", text(one.key_path.as_deref()));
    assert!(one.flags.contains(SecurityFlags::VALID));
    assert!(one.flags.protocols() != Policy::None || one.protocols.is_empty());
}

fn discovery_lines(one: &Discovery, add: &mut dyn FnMut(&str, String)) {
    add("index", one.index.to_string());
    if let Some(security) = one.security {
        add("security->index", security.to_string());
    }
    add("hfi->index", one.hfi.to_string());
    add("uri", one.uri.clone());
    add("nqn", text(one.unique_nqn.as_deref()));
}

fn subsystem_lines(one: &Subsystem, add: &mut dyn FnMut(&str, String)) {
    add("index", one.index.to_string());
    if let Some(discovery) = one.discovery {
        add("discovery->index", discovery.to_string());
    }
    if let Some(security) = one.security {
        add("security->index", security.to_string());
    }
    add("num_hfis", one.hfis.len().to_string());
    for (n, hfi) in one.hfis.iter().enumerate() {
        add(&format!("hfis[{n}]->index"), hfi.to_string());
    }
    add("transport", "tcp".to_owned());
    add("traddr", one.traddr.to_string());
    add("trsvcid", one.trsvcid.clone());
    add("subsys_port_id", one.port_id.to_string());
    add("nsid", one.nsid.to_string());
    add("nid_type", u8::from(one.nid.kind).to_string());
    add("nid", hex(&one.nid.bytes));
    add("subsys_nqn", one.nqn.clone());
    add("trflags", format!("{:#06x}", one.transport_flags.bits()));
    let header = one.transport_flags.contains(TransportFlags::HEADER_DIGEST);
    add("pdu_header_digest_required", bit(header));
    let data = one.transport_flags.contains(TransportFlags::DATA_DIGEST);
    add("data_digest_required", bit(data));
    let extended = one.extended.clone().unwrap_or_default();
    add("controller_id", extended.controller_id.to_string());
    // libnvme takes the driver's own size for none.
    let configured = SubsystemExtendedFlags::ASQSZ_CONFIGURED;
    let size = match extended.flags.contains(configured) {
        true => extended.asqsz,
        false => 0,
    };
    add("asqsz", size.to_string());
    add("dhcp_root_path_string", text(extended.root_path.as_deref()));
    let why = extended.diagnostics.unwrap_or_default();
    add("naed", format!("{:#04x}", why.availability));
    add("cipeec", format!("{:#04x}", why.connect));
    add("cto", why.timeout.to_string());
    add("nceec", format!("{:#04x}", why.network));
    add("flags", format!("{:#06x}", one.flags.bits()));
    add(
        "discovered",
        bit(one.flags.contains(SubsystemFlags::DISCOVERED)),
    );
    let unavailable = one.flags.availability() == Availability::Unavailable;
    add("unavailable", bit(unavailable));
}
