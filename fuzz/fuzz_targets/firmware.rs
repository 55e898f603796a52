//! Any boot table that can be read, beside any kernel command line, becomes a plan: twice
//! the same, with each controller bound to an interface of the plan.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nvmeroot_firmware::{Boot, NamedTable, changes, overlay};
use nvmeroot_nbft::{
    Address, Discovery, Hfi, HfiFlags, Host, Mac, Subsystem, SubsystemFlags, Table, parse,
};
use nvmeroot_plan::resolve;

/// Few indexes and MAC addresses, so that records refer to each other.
#[derive(Debug, Arbitrary)]
struct Input {
    line: String,
    nqn: String,
    hfis: Vec<(u8, u8, u8, [[u8; 16]; 3], u8, u16, u16)>,
    subsystems: Vec<(u8, u16, [u8; 16], u16, Vec<u8>, u8)>,
    discovery: Vec<(u8, u8, String)>,
}

fn table(input: &Input) -> Table {
    let mut table = Table::new(Host::new(input.nqn.replace('\0', ""), [7; 16]));
    for (index, mac, flags, addresses, prefix, vlan, metric) in input.hfis.iter().take(16) {
        table.hfis.push(Hfi {
            index: index % 8,
            flags: HfiFlags::from_bits_retain(*flags) | HfiFlags::VALID,
            mac: Mac([2, 0, 0, 0, 0, mac % 4]),
            address: Address(addresses[0]),
            gateway: Address(addresses[1]),
            dns: [Address(addresses[2]), Address::default()],
            prefix: *prefix,
            vlan: *vlan,
            metric: *metric,
            info_version: 1,
            ..Hfi::default()
        });
    }
    for (index, flags, address, port, hfis, name) in input.subsystems.iter().take(16) {
        table.subsystems.push(Subsystem {
            index: (*index).into(),
            // No security profile and no extended information, which would have to be there.
            flags: SubsystemFlags::from_bits_retain(flags & !0x14) | SubsystemFlags::VALID,
            traddr: Address(*address),
            trsvcid: port.to_string(),
            hfis: hfis.iter().take(8).map(|hfi| hfi % 8).collect(),
            nqn: format!("nqn.2024-01.example:{}", name % 4),
            ..Subsystem::default()
        });
    }
    for (index, hfi, uri) in input.discovery.iter().take(8) {
        let uri = uri.replace('\0', "");
        table.discovery.push(Discovery::new(*index, hfi % 8, uri));
    }
    table
}

fuzz_target!(|input: Input| {
    let Ok(bytes) = table(&input).to_bytes() else {
        return;
    };
    let Ok(parsed) = parse(&bytes) else {
        return;
    };
    let tables = [NamedTable {
        name: "NBFT".to_owned(),
        table: parsed.table,
    }];
    let boot = Boot {
        tables: &tables,
        command_line: &input.line,
        ..Boot::default()
    };
    let over = overlay(&[], boot);
    assert_eq!(over, overlay(&[], boot));
    let plan = resolve(over.fragments.clone());
    assert_eq!(plan, resolve(over.fragments));
    for controller in &plan.controllers {
        if let Some(name) = &controller.options.host_iface {
            let mut all = plan.network.interfaces.iter();
            assert!(all.any(|one| one.name == *name), "{name}: {plan:?}");
        }
    }
    let _ = changes(&plan, &plan);
});
