//! Any table is written and read back as it was; any bytes are read without a
//! panic, and what is read is written and read back the same.

use nvmeroot_nbft::{
    Address, Diagnostics, Discovery, Header, Hfi, HfiExtended, HfiExtendedFlags, HfiFlags, Host,
    HostFlags, Mac, NamespaceId, PciLocation, SecurityFlags, SecurityProfile, Subsystem,
    SubsystemExtended, SubsystemExtendedFlags, SubsystemFlags, Table, TransportFlags, Unknown,
    Uuid, fix_checksum, parse,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    "[^\0]{1,12}"
}

fn unknown() -> impl Strategy<Value = Unknown> {
    prop_oneof![
        3 => Just(Unknown::default()),
        1 => vec(any::<u8>(), 0..90).prop_map(Unknown::new),
    ]
}

/// The first byte of some unknown bytes holds the flags, whose lowest bit is
/// no unknown one.
fn unknown_with_flags() -> impl Strategy<Value = Unknown> {
    unknown().prop_map(|unknown| {
        let mut bytes = unknown.bytes().to_vec();
        if let Some(flags) = bytes.first_mut() {
            *flags &= !1;
        }
        Unknown::new(bytes)
    })
}

fn addresses<const N: usize>() -> impl Strategy<Value = [Address; N]> {
    any::<[[u8; 16]; N]>().prop_map(|all| all.map(Address))
}

prop_compose! {
    fn header()(
        minor in 0..=1u8,
        ids in any::<([u8; 6], [u8; 8], u32, u32, u32)>(),
        driver_signature in vec(any::<u8>(), 0..9),
        control_minor: u8,
        versions: [u8; 5],
        unknown in vec(any::<u8>(), 0..=13).prop_map(Unknown::new),
        control_unknown in unknown_with_flags(),
    ) -> Header {
        let (oem_id, oem_table_id, oem_revision, creator_id, creator_revision) = ids;
        Header {
            minor, oem_id, oem_table_id, oem_revision, creator_id, creator_revision,
            driver_signature, control_minor, versions, unknown, control_unknown,
        }
    }
}

prop_compose! {
    fn host()(id: [u8; 16], nqn in text(), flags: u8, unknown in unknown()) -> Host {
        let flags = HostFlags::from_bits_retain(flags | 1);
        Host { id: Uuid(id), nqn, flags, unknown }
    }
}

prop_compose! {
    fn hfi_extended()(
        flags: u32,
        iaid: Option<u32>,
        duid in vec(any::<u8>(), 0..20),
        unknown in unknown(),
    ) -> HfiExtended {
        let flags = HfiExtendedFlags::from_bits_retain(flags | 1);
        if flags.contains(HfiExtendedFlags::CLIENT_ID) {
            HfiExtended { flags, iaid, duid, unknown }
        } else {
            HfiExtended { flags, unknown, ..HfiExtended::default() }
        }
    }
}

prop_compose! {
    fn hfi()(
        numbers in any::<(u8, u8, u32, [u8; 6], u16, u8, u8, u16)>(),
        addresses in addresses::<5>(),
        host_name in proptest::option::of(text()),
        info_version: u8,
        segment: u8,
        extended in proptest::option::of(hfi_extended()),
        unknowns in (unknown_with_flags(), unknown()),
    ) -> Hfi {
        let (index, flags, sbdf, mac, vlan, origin, prefix, metric) = numbers;
        let [address, gateway, first, second, dhcp_server] = addresses;
        let later = info_version >= 2;
        Hfi {
            index,
            flags: HfiFlags::from_bits_retain(flags | 1),
            pci: PciLocation { sbdf, segment: if later { segment } else { 0 } },
            mac: Mac(mac),
            vlan, origin, address, prefix, gateway, metric,
            dns: [first, second],
            dhcp_server, host_name, info_version,
            extended: extended.filter(|_| later),
            unknown: unknowns.0,
            info_unknown: unknowns.1,
        }
    }
}

prop_compose! {
    fn security()(
        numbers in any::<(u8, u16, u8)>(),
        lists in proptest::array::uniform5(vec(any::<u8>(), 0..5)),
        key_path in proptest::option::of(text()),
        unknown in unknown(),
    ) -> SecurityProfile {
        let (index, flags, secret_type) = numbers;
        let flags = SecurityFlags::from_bits_retain(flags | 1);
        let has = [0x180, 0x18, 0x200, 0x400, 0x800].map(|bits| flags.bits() & bits != 0);
        let [channels, protocols, ciphers, groups, hashes] = lists;
        let only = |list: Vec<u8>, at: usize| if has[at] { list } else { Vec::new() };
        SecurityProfile {
            index, flags, secret_type, key_path, unknown,
            channels: only(channels, 0),
            protocols: only(protocols, 1),
            ciphers: only(ciphers, 2),
            groups: only(groups, 3),
            hashes: only(hashes, 4),
        }
    }
}

prop_compose! {
    fn subsystem_extended()(
        flags: u32,
        controller_id: u16,
        asqsz: u16,
        root_path in proptest::option::of(text()),
        why in proptest::option::of(any::<(u8, u8, u16, u8)>()),
        after in unknown(),
    ) -> SubsystemExtended {
        let diagnostics = why.map(|(availability, connect, timeout, network)| Diagnostics {
            availability, connect, timeout, network,
        });
        // Four bytes at most are no diagnostics.
        let most = if why.is_some() { 90 } else { 4 };
        let after = &after.bytes()[..after.bytes().len().min(most)];
        SubsystemExtended {
            flags: SubsystemExtendedFlags::from_bits_retain(flags | 1),
            controller_id, asqsz, root_path, diagnostics,
            unknown: Unknown::new(after.to_vec()),
        }
    }
}

prop_compose! {
    /// References are made to fit by [`table`].
    fn subsystem()(
        numbers in any::<(u16, u16, u16, u16, u32, u8, [u8; 16])>(),
        refers in any::<(Option<prop::sample::Index>, Option<prop::sample::Index>)>(),
        hfis in vec(any::<u8>(), 1..4),
        traddr: [u8; 16],
        texts in (text(), text()),
        extended in proptest::option::of(subsystem_extended()),
        unknown in unknown(),
    ) -> (Subsystem, Option<prop::sample::Index>, Option<prop::sample::Index>) {
        let (index, flags, transport_flags, port_id, nsid, kind, bytes) = numbers;
        let mut flags = SubsystemFlags::from_bits_retain(flags | 1);
        flags.set(SubsystemFlags::EXTENDED, extended.is_some());
        let one = Subsystem {
            index, flags,
            transport_flags: TransportFlags::from_bits_retain(transport_flags),
            discovery: None,
            traddr: Address(traddr),
            trsvcid: texts.0,
            port_id, nsid,
            nid: NamespaceId { kind: kind.into(), bytes },
            security: None,
            hfis,
            nqn: texts.1,
            extended, unknown,
        };
        (one, refers.0, refers.1)
    }
}

prop_compose! {
    fn discovery()(
        index: u8,
        hfi: u8,
        security: Option<prop::sample::Index>,
        uri in text(),
        unique_nqn in proptest::option::of(text()),
        unknown in unknown_with_flags(),
    ) -> (Discovery, Option<prop::sample::Index>) {
        (Discovery { index, hfi, security: None, uri, unique_nqn, unknown }, security)
    }
}

prop_compose! {
    fn table()(
        header in header(),
        host in host(),
        hfis in vec(hfi(), 0..4),
        security in vec(security(), 0..3),
        discovery in vec(discovery(), 0..3),
        subsystems in vec(subsystem(), 0..4),
    ) -> Table {
        let has_hfis = !hfis.is_empty();
        let mut table = Table { header, host, hfis, security, ..Table::default() };
        let index_of_hfi = |any: u8| table.hfis[usize::from(any) % table.hfis.len()].index;
        let profile = |any: Option<prop::sample::Index>| {
            any.filter(|_| !table.security.is_empty())
                .map(|any| any.get(&table.security).index)
        };
        let discovery: Vec<Discovery> = discovery.into_iter().filter(|_| has_hfis)
            .map(|(mut one, security)| {
                one.hfi = index_of_hfi(one.hfi);
                // An index of 0 is none.
                one.security = profile(security).filter(|index| *index != 0);
                one
            }).collect();
        let subsystems = subsystems.into_iter().filter(|_| has_hfis)
            .map(|(mut one, security, entry)| {
                let mut hfis: Vec<u8> = Vec::new();
                for any in &one.hfis {
                    let index = index_of_hfi(*any);
                    if !hfis.contains(&index) {
                        hfis.push(index);
                    }
                }
                one.hfis = hfis;
                one.security = profile(security);
                one.flags.set(SubsystemFlags::USE_SECURITY, one.security.is_some());
                one.discovery = entry.filter(|_| !discovery.is_empty())
                    .map(|any| any.get(&discovery).index)
                    .filter(|index| *index != 0);
                one
            }).collect();
        table.subsystems = subsystems;
        table.discovery = discovery;
        table
    }
}

/// What is read is written and read back the same.
fn is_stable(bytes: &[u8]) {
    if let Ok(parsed) = parse(bytes) {
        let written = parsed.table.to_bytes().expect("a table that was read");
        let again = parse(&written).expect("a table that was written");
        assert_eq!(again.table, parsed.table);
    }
}

proptest! {
    #[test]
    fn a_table_is_read_as_it_was_written(table in table()) {
        let bytes = table.to_bytes().expect("a table that fits");
        let parsed = parse(&bytes).expect("a table that was written");
        prop_assert_eq!(parsed.notes, []);
        prop_assert_eq!(parsed.table, table);
    }

    #[test]
    fn a_damaged_table_is_read_or_refused(
        table in table(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: Option<prop::sample::Index>,
    ) {
        let mut bytes = table.to_bytes().expect("a table that fits");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            let length = cut.index(bytes.len());
            bytes.truncate(length);
        }
        fix_checksum(&mut bytes);
        is_stable(&bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in vec(any::<u8>(), 0..600)) {
        is_stable(&bytes);
        if bytes.len() >= 128 {
            let length = u32::try_from(bytes.len()).expect("a short one");
            bytes[..4].copy_from_slice(b"NBFT");
            bytes[4..8].copy_from_slice(&length.to_le_bytes());
            (bytes[8], bytes[50]) = (1, 0);
            bytes[36..44].fill(0);
            fix_checksum(&mut bytes);
            is_stable(&bytes);
        }
    }
}
