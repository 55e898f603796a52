//! A boot table is made, written, damaged where its structures are, and read:
//! what is read is written and read back the same, and what refers to a record
//! has one.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nvmeroot_nbft::{
    Address, Diagnostics, Discovery, Hfi, HfiExtended, HfiExtendedFlags, HfiFlags, Host,
    SecurityFlags, SecurityProfile, Subsystem, SubsystemExtended, SubsystemExtendedFlags,
    SubsystemFlags, Table, Unknown, fix_checksum, parse,
};

/// Few indexes, so that records refer to each other.
#[derive(Debug, Arbitrary)]
struct Input {
    nqn: String,
    hfis: Vec<Card>,
    subsystems: Vec<Drive>,
    discovery: Vec<(u8, u8, u8, String, Option<String>)>,
    security: Vec<(u8, u16, [Vec<u8>; 5], Option<String>)>,
    signature: Vec<u8>,
    damage: Vec<Damage>,
    cut: Option<u16>,
    raw: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
struct Card {
    index: u8,
    flags: u8,
    addresses: [[u8; 16]; 5],
    version: u8,
    name: Option<String>,
    extended: Option<(u32, Option<u32>, Vec<u8>)>,
    unknown: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
struct Drive {
    index: u16,
    flags: u16,
    address: [u8; 16],
    port: String,
    nqn: String,
    hfis: Vec<u8>,
    security: Option<u8>,
    discovery: Option<u8>,
    extended: Option<(u32, Option<String>, Option<(u8, u8, u16, u8)>, Vec<u8>)>,
    unknown: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
enum Damage {
    Byte(u16, u8),
    Word(u16, u16),
    /// Offset and length, as a list or a reference has them.
    Reference(u16, u16, u16),
    /// The same at one of the control descriptor's lists.
    List(u8, u16, u16, u8),
}

fn index(any: u8) -> u8 {
    any % 5
}

fn table(input: &Input) -> Table {
    let text = |text: &String| text.replace('\0', "0");
    let mut table = Table::new(Host::new(text(&input.nqn), [1; 16]));
    table.header.driver_signature.clone_from(&input.signature);
    table.hfis = input.hfis.iter().map(card).collect();
    for one in &input.subsystems {
        let address = Address(one.address).ip();
        let hfi = one.hfis.first().copied().unwrap_or(1);
        let mut drive = Subsystem::new(one.index, index(hfi), address, 0, text(&one.nqn));
        drive.flags = SubsystemFlags::from_bits_retain(one.flags);
        drive.trsvcid = text(&one.port);
        drive.hfis = one.hfis.iter().map(|any| index(*any)).collect();
        drive.security = one.security.map(index);
        drive.discovery = one.discovery.map(index);
        drive.unknown = Unknown::new(one.unknown.clone());
        drive.extended = one.extended.as_ref().map(|(flags, path, why, more)| {
            let more = &more[..more.len().min(if why.is_some() { 99 } else { 4 })];
            SubsystemExtended {
                flags: SubsystemExtendedFlags::from_bits_retain(*flags),
                root_path: path.as_ref().map(text),
                diagnostics: why.map(|(availability, connect, timeout, network)| Diagnostics {
                    availability,
                    connect,
                    timeout,
                    network,
                }),
                unknown: Unknown::new(more.to_vec()),
                ..SubsystemExtended::default()
            }
        });
        table.subsystems.push(drive);
    }
    for (number, hfi, security, uri, nqn) in &input.discovery {
        let mut entry = Discovery::new(index(*number), index(*hfi), text(uri));
        entry.security = Some(index(*security)).filter(|index| *index != 0);
        entry.unique_nqn = nqn.as_ref().map(text);
        table.discovery.push(entry);
    }
    for (number, flags, lists, path) in &input.security {
        let [channels, protocols, ciphers, groups, hashes] = lists.clone();
        table.security.push(SecurityProfile {
            index: index(*number),
            // Every list counts; the rest of the flags is anything.
            flags: SecurityFlags::from_bits_retain(flags & !0x198 | 0xe88),
            channels,
            protocols,
            ciphers,
            groups,
            hashes,
            key_path: path.as_ref().map(text),
            ..SecurityProfile::default()
        });
    }
    table
}

fn card(one: &Card) -> Hfi {
    let [address, gateway, first, second, server] = one.addresses.map(Address);
    let mut hfi = Hfi::new(index(one.index), [2; 6], address.ip(), 24);
    hfi.flags = HfiFlags::from_bits_retain(one.flags);
    (hfi.gateway, hfi.dns, hfi.dhcp_server) = (gateway, [first, second], server);
    hfi.host_name = one.name.as_ref().map(|name| name.replace('\0', "0"));
    hfi.info_version = one.version;
    hfi.unknown = Unknown::new(one.unknown.clone());
    if let Some((flags, iaid, duid)) = &one.extended {
        hfi.info_version |= 2;
        hfi.extended = Some(HfiExtended {
            flags: HfiExtendedFlags::from_bits_retain(*flags) | HfiExtendedFlags::CLIENT_ID,
            iaid: *iaid,
            duid: duid.clone(),
            unknown: Unknown::default(),
        });
    }
    hfi
}

fn damage(bytes: &mut [u8], damage: &Damage) {
    let mut put = |at: usize, new: &[u8]| {
        let at = at % bytes.len();
        for (to, from) in bytes[at..].iter_mut().zip(new) {
            *to = *from;
        }
    };
    match *damage {
        Damage::Byte(at, byte) => put(at.into(), &[byte]),
        Damage::Word(at, word) => put(at.into(), &word.to_le_bytes()),
        Damage::Reference(at, offset, length) => {
            put(at.into(), &u32::from(offset).to_le_bytes());
            put(usize::from(at) + 4, &length.to_le_bytes());
        }
        Damage::List(which, offset, length, count) => {
            let at = 64 + 16 + 8 * usize::from(which % 4);
            put(at, &u32::from(offset).to_le_bytes());
            put(at + 4, &length.to_le_bytes());
            put(at + 7, &[count]);
        }
    }
}

fn check(bytes: &[u8]) {
    let Ok(parsed) = parse(bytes) else {
        return;
    };
    let table = &parsed.table;
    for one in &table.subsystems {
        assert!(!one.hfis.is_empty());
        assert!(one.hfis.iter().all(|index| table.hfi(*index).is_some()));
        assert!(
            one.security
                .is_none_or(|index| table.security_profile(index).is_some())
        );
        assert!(
            one.discovery
                .is_none_or(|index| table.discovery_entry(index).is_some())
        );
    }
    for one in &table.discovery {
        assert!(table.hfi(one.hfi).is_some());
        assert!(
            one.security
                .is_none_or(|index| table.security_profile(index).is_some())
        );
    }
    assert!(table.unanswered().count() <= table.discovery.len());
    for note in &parsed.notes {
        assert!(note.broken.offset <= bytes.len(), "{note}");
        assert!(!note.to_string().is_empty());
    }
    let written = table.to_bytes().expect("a table that was read");
    let again = parse(&written).expect("a table that was written");
    assert_eq!(&again.table, table);
}

fuzz_target!(|input: Input| {
    let mut raw = input.raw.clone();
    check(&raw);
    fix_checksum(&mut raw);
    check(&raw);
    // Longer strings than a reference holds are refused.
    let Ok(mut bytes) = table(&input).to_bytes() else {
        return;
    };
    check(&bytes);
    for one in &input.damage {
        damage(&mut bytes, one);
    }
    if let Some(cut) = input.cut {
        bytes.truncate(cut.into());
    }
    fix_checksum(&mut bytes);
    check(&bytes);
});
