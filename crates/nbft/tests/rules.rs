//! Each rule of the specification, broken: what is said, and what of the table
//! is still read. Offsets are the specification's.

use nvmeroot_nbft::{
    Diagnostics, Discovery, Effect, Hfi, HfiExtended, HfiExtendedFlags, Host, Parsed, RecordKind,
    Rule, SecurityFlags, SecurityProfile, Subsystem, SubsystemExtended, SubsystemExtendedFlags,
    SubsystemFlags, Table, Unknown, fix_checksum, parse,
};

const CONTROL: usize = 64;
const HOST: usize = 128;
const HFI: usize = 160;
const SUBSYSTEM: usize = 224;
const SECURITY: usize = 480;
const DISCOVERY: usize = 544;

/// Two HFIs, two subsystems, a security profile, a discovery entry.
fn table() -> Table {
    let mut table = Table::new(Host::new("nqn.2014-08.org.example:host", [7; 16]));
    for index in [1, 2] {
        let address = [192, 0, 2, index].into();
        table
            .hfis
            .push(Hfi::new(index, [2, 0, 0, 0, 0, index], address, 24));
        let port = [192, 0, 2, 100 + index].into();
        let nqn = "nqn.2014-08.org.example:drive";
        table
            .subsystems
            .push(Subsystem::new(index.into(), index, port, 4420, nqn));
    }
    table.hfis[0].host_name = Some("host".to_owned());
    table.hfis[1].info_version = 2;
    table.hfis[1].extended = Some(HfiExtended {
        flags: HfiExtendedFlags::VALID | HfiExtendedFlags::CLIENT_ID,
        iaid: Some(1),
        duid: vec![0, 4],
        ..HfiExtended::default()
    });
    table.subsystems[0].security = Some(1);
    table.subsystems[0].flags |= SubsystemFlags::USE_SECURITY | SubsystemFlags::EXTENDED;
    table.subsystems[0].discovery = Some(1);
    table.subsystems[0].hfis = vec![1, 2];
    table.subsystems[0].extended = Some(SubsystemExtended {
        diagnostics: Some(Diagnostics::default()),
        flags: SubsystemExtendedFlags::VALID,
        ..SubsystemExtended::default()
    });
    table.security.push(SecurityProfile {
        index: 1,
        flags: SecurityFlags::VALID | SecurityFlags::HASHES,
        hashes: vec![1],
        ..SecurityProfile::default()
    });
    table
        .discovery
        .push(Discovery::new(1, 2, "nvme+tcp://192.0.2.9:8009/"));
    table
}

/// Its bytes with others in their place.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut table = table().to_bytes().expect("a table");
    table[at..at + bytes.len()].copy_from_slice(bytes);
    fix_checksum(&mut table);
    table
}

fn refused(at: usize, bytes: &[u8]) -> String {
    parse(&changed(at, bytes))
        .expect_err("a rule is broken")
        .to_string()
}

fn read(at: usize, bytes: &[u8]) -> Parsed {
    parse(&changed(at, bytes)).expect("a table")
}

/// The one record that is left out, and why.
fn dropped(at: usize, bytes: &[u8]) -> (RecordKind, usize, String) {
    let mut notes = read(at, bytes).notes;
    notes.retain(|note| note.effect == Effect::Dropped);
    assert!(!notes.is_empty(), "nothing is left out");
    let note = notes.remove(0);
    assert!(!note.bytes.is_empty(), "the record's bytes are kept");
    (note.kind, note.place, note.broken.to_string())
}

fn ignored(at: usize, bytes: &[u8]) -> (&'static str, String) {
    let mut notes = read(at, bytes).notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    let note = notes.remove(0);
    match note.effect {
        Effect::Ignored(field) => (field, note.broken.to_string()),
        other => panic!("{other:?}"),
    }
}

/// Where the object lies that a reference refers to.
fn object(at: usize) -> usize {
    let table = table().to_bytes().expect("a table");
    let bytes = table[at..at + 4].try_into().expect("an offset");
    u32::from_le_bytes(bytes).try_into().expect("a small table")
}

#[test]
fn the_example_breaks_none() {
    let parsed = parse(&table().to_bytes().expect("a table")).expect("a table");
    assert_eq!(parsed.table, table());
    assert_eq!(parsed.notes, []);
}

#[test]
fn what_is_cut_off_is_refused_wherever_it_is_cut() {
    let table = table().to_bytes().expect("a table");
    for length in 0..table.len() {
        let broken = parse(&table[..length]).expect_err("it is cut off");
        match broken.rule {
            Rule::TooShort { found, least: 128 } => assert!(found == length && length < 64),
            Rule::Length { stated, found } => {
                assert_eq!((stated as usize, found), (table.len(), length));
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(
        refused(4, &100u32.to_le_bytes()),
        "at offset 0x0: the table has 100 bytes; it needs at least 128"
    );
}

#[test]
fn a_header_that_breaks_a_rule_is_refused() {
    assert_eq!(
        refused(0, b"NBF\x1b"),
        "at offset 0x0: the signature is `NBF\\x1b`; expected `NBFT`"
    );
    let mut table = table().to_bytes().expect("a table");
    table[70] ^= 0x10;
    assert_eq!(
        parse(&table).expect_err("it is changed").to_string(),
        "at offset 0x9: the checksum is wrong: the bytes add up to 0x10, not to 0"
    );
    assert_eq!(
        refused(8, &[2]),
        "at offset 0x8: the revision is 2.0; only 1.0 and 1.1 are known"
    );
    assert_eq!(
        refused(50, &[2]),
        "at offset 0x32: the revision is 1.2; only 1.0 and 1.1 are known"
    );
    assert_eq!(read(50, &[1]).table.header.minor, 1);
    assert_eq!(
        refused(36, &u32::MAX.to_le_bytes())
            .split(" (")
            .next()
            .expect("a message"),
        "at offset 0x24: the heap"
    );
}

#[test]
fn a_control_descriptor_or_host_that_breaks_a_rule_is_refused() {
    assert_eq!(
        refused(CONTROL, &[9]),
        "at offset 0x40: the structure identifier is 9; expected 1"
    );
    assert_eq!(
        refused(CONTROL + 6, &[2]),
        "at offset 0x46: the structure is not marked as valid"
    );
    assert_eq!(
        refused(CONTROL + 8, &[100, 0, 0, 0]),
        "at offset 0x48: `host descriptor` (32 bytes at 0x64) lies outside"
    );
    assert_eq!(
        refused(HOST, &[1]),
        "at offset 0x80: the structure identifier is 1; expected 2"
    );
    assert_eq!(
        refused(HOST + 1, &[6]),
        "at offset 0x81: the structure is not marked as valid"
    );
    assert_eq!(
        refused(HOST + 22, &[0, 0]),
        "at offset 0x92: `host NQN` is empty"
    );
    assert_eq!(
        refused(HOST + 18, &[1, 0, 0, 0]),
        "at offset 0x92: `host NQN` (28 bytes at 0x1) lies outside"
    );
}

#[test]
fn a_list_that_breaks_a_rule_is_refused() {
    for (at, size) in [(16, 32), (24, 128), (32, 64), (40, 32)] {
        let at = CONTROL + at;
        assert_eq!(
            refused(at + 4, &[size - 1, 0]),
            format!(
                "at offset {:#x}: an entry of the list has {} bytes; it needs at least {size}",
                at + 4,
                size - 1
            )
        );
        for offset in [0, 0x7fff_ffff, u32::MAX] {
            let broken = parse(&changed(at, &u32::to_le_bytes(offset))).expect_err("no place");
            assert_eq!(broken.offset, at);
            assert!(matches!(broken.rule, Rule::List { offset: o, .. } if o == offset));
        }
        assert_eq!(
            parse(&changed(at + 7, &[255])).expect_err("many").offset,
            at
        );
    }
}

#[test]
fn a_record_that_breaks_a_rule_is_left_out_and_the_others_are_read() {
    let parsed = read(SUBSYSTEM + 128 + 3, &[0]);
    assert_eq!(parsed.table.subsystems.len(), 1);
    assert_eq!(parsed.table.hfis.len(), 2);
    let at = |at: usize, what: &str| format!("at offset {at:#x}: {what}");
    let valid = "the structure is not marked as valid";
    assert_eq!(
        dropped(SUBSYSTEM + 128 + 3, &[0]),
        (RecordKind::Subsystem, 2, at(0x163, valid))
    );
    assert_eq!(
        dropped(SECURITY + 2, &[0]),
        (RecordKind::Security, 1, at(0x1e2, valid))
    );
    assert_eq!(
        dropped(DISCOVERY + 1, &[0]),
        (RecordKind::Discovery, 1, at(0x221, valid))
    );
    assert_eq!(
        dropped(HFI + 32, &[4]),
        (
            RecordKind::Hfi,
            2,
            at(0xc0, "the structure identifier is 4; expected 3")
        )
    );
    assert_eq!(
        dropped(HFI + 32 + 3, &[1]),
        (
            RecordKind::Hfi,
            2,
            at(0xc3, "the transport type is 1; only 3 (TCP) is known")
        )
    );
    let info = object(HFI + 16);
    assert_eq!(
        dropped(info + 1, &[3]).2,
        at(info + 1, "its version is 3; only 1 is known")
    );
    assert_eq!(dropped(info + 6, &[0]).2, at(info + 6, valid));
    assert_eq!(
        dropped(HFI + 20, &[127, 0]).2,
        at(
            info,
            "`HFI transport info` has 127 bytes; it needs at least 128"
        )
    );
    assert_eq!(
        dropped(SUBSYSTEM + 14, &[15, 0]).2,
        at(
            object(SUBSYSTEM + 10),
            "`transport address` has 15 bytes; it needs at least 16"
        )
    );
}

#[test]
fn what_refers_to_a_missing_record_is_left_out_with_it() {
    // Without the second HFI: its subsystem and the discovery entry too.
    let parsed = read(HFI + 32 + 2, &[0]);
    let notes: Vec<_> = parsed.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "HFI (number 2 of its list) left out: at offset 0xc2: the structure is not marked as valid",
            "discovery entry (number 1 of its list) left out: \
             at offset 0x223: `HFI index` names HFI 2; there is none",
            &format!(
                "subsystem (number 1 of its list): `secondary HFI` ignored: \
                 at offset {:#x}: `secondary HFI` names HFI 2; there is none",
                object(SUBSYSTEM + 48)
            ),
            "subsystem (number 1 of its list): `discovery entry index` ignored: \
             at offset 0xe8: `discovery entry index` names discovery entry 1; there is none",
            "subsystem (number 2 of its list) left out: \
             at offset 0x18e: `primary HFI` names HFI 2; there is none",
        ]
    );
    assert_eq!(parsed.table.subsystems[0].hfis, [1]);
    // A connection must not lose its security.
    let parsed = read(SECURITY + 2, &[0]);
    assert_eq!(parsed.table.subsystems.len(), 1);
    assert_eq!(parsed.table.subsystems[0].index, 2);
    assert_eq!(
        dropped(DISCOVERY + 4, &[9]).2,
        "at offset 0x224: `security profile index` names security profile 9; there is none"
    );
    // A list that counts and can't be read makes a profile of no use.
    assert_eq!(dropped(SECURITY + 30, &[0xff; 4]).0, RecordKind::Security);
}

#[test]
fn what_a_record_can_do_without_is_ignored() {
    let name = object(object(HFI + 16) + 104);
    assert_eq!(
        ignored(name, &[0xff]),
        (
            "host name",
            format!("at offset {name:#x}: `host name` is not UTF-8")
        )
    );
    let extended = object(object(HFI + 32 + 16) + 110);
    assert_eq!(
        ignored(extended + 1, &[7]),
        (
            "HFI extended info",
            format!(
                "at offset {:#x}: its version is 7; only 1 is known",
                extended + 1
            )
        )
    );
    let extended = object(SUBSYSTEM + 60);
    assert_eq!(
        ignored(extended + 2, &[5]),
        (
            "extended info",
            format!(
                "at offset {:#x}: it names subsystem 5; it belongs to 1",
                extended + 2
            )
        )
    );
    assert_eq!(
        ignored(SUBSYSTEM + 128 + 45, &[1]),
        (
            "security profile index",
            "at offset 0x18d: it names security profile 1 and does not say that one is used"
                .to_owned()
        )
    );
    assert_eq!(
        ignored(44, &[1, 0, 0, 0, 1, 0]),
        (
            "driver signature",
            "at offset 0x2c: `driver signature` (1 bytes at 0x1) lies outside".to_owned()
        )
    );
}

/// Some tables count the NUL, some don't.
#[test]
fn a_string_ends_at_its_nul_or_at_its_length() {
    let nqn = "nqn.2014-08.org.example:host";
    assert_eq!(read(HOST + 22, &[29, 0]).table.host.nqn, nqn);
    assert_eq!(read(object(HOST + 18) + 3, &[0]).table.host.nqn, "nqn");
    let end = object(HOST + 18) + nqn.len();
    assert_eq!(
        refused(end, b"x"),
        format!("at offset {end:#x}: `host NQN` does not end with a NUL")
    );
    // At the very end of the table nothing comes after it.
    let mut table = Table::new(Host::new(nqn, [7; 16]))
        .to_bytes()
        .expect("a table");
    let (length, heap) = (table.len() as u32 - 1, nqn.len() as u32);
    table.truncate(table.len() - 1);
    table[4..8].copy_from_slice(&length.to_le_bytes());
    table[40..44].copy_from_slice(&heap.to_le_bytes());
    fix_checksum(&mut table);
    let broken = parse(&table).expect_err("no NUL");
    assert_eq!(broken.rule, Rule::Unterminated { field: "host NQN" });
    assert_eq!(broken.offset, table.len());
}

#[test]
fn zero_and_repeated_secondary_hfis_are_none() {
    let place = object(SUBSYSTEM + 48);
    for index in [0, 1] {
        let parsed = read(place, &[index]);
        assert_eq!(parsed.table.subsystems[0].hfis, [1]);
        assert_eq!(parsed.notes, []);
    }
    let parsed = read(SUBSYSTEM + 48, &[0; 6]);
    assert_eq!(parsed.table.subsystems[0].hfis, [1]);
    assert_eq!(parsed.notes, []);
}

/// Entries are as far apart as the list says; what they have more is kept.
#[test]
fn longer_entries_and_reserved_bytes_are_kept() {
    let mut longer = table();
    let reserved: Vec<u8> = (2..=41).collect();
    longer.hfis[0].unknown = Unknown::new(reserved);
    longer.subsystems[1].unknown = Unknown::new(vec![5; 70]);
    longer.header.control_unknown = Unknown::new(vec![2; 25]);
    let bytes = longer.to_bytes().expect("a table");
    let parsed = parse(&bytes).expect("a table");
    assert_eq!(parsed.table, longer);
    assert_eq!(parsed.notes, []);
}

#[test]
fn what_would_not_be_read_back_is_not_written() {
    let error = |change: &dyn Fn(&mut Table)| {
        let mut table = table();
        change(&mut table);
        table
            .to_bytes()
            .expect_err("it can't be written")
            .to_string()
    };
    assert_eq!(
        error(&|table| table.host.nqn = "a\0b".to_owned()),
        "`host NQN` holds a NUL"
    );
    assert_eq!(
        error(&|table| table.host.nqn = "a".repeat(70_000)),
        "`host NQN` has 70000; at most 65535 fit"
    );
    assert_eq!(
        error(&|table| table.hfis = vec![Hfi::default(); 256]),
        "`HFIs` has 256; at most 255 fit"
    );
    assert_eq!(
        error(&|table| table.hfis[1].info_version = 1),
        "`HFI extended info` is set; version 2 of the transport information says that it \
         counts, and is not set"
    );
    assert_eq!(
        error(&|table| table.security[0].flags = SecurityFlags::VALID),
        "`hash functions` is set; `HASHES` says that it counts, and is not set"
    );
}

/// A discovery that failed stands in the table as a subsystem of its own.
#[test]
fn only_discovery_entries_that_led_nowhere_are_unanswered() {
    let mut table = table();
    assert_eq!(table.unanswered().count(), 0);
    table.subsystems[0].nqn = nvmeroot_nbft::DISCOVERY_NQN.to_owned();
    assert_eq!(table.unanswered().count(), 1);
    let storage: Vec<u16> = table.storage().map(|one| one.index).collect();
    assert_eq!(storage, [2]);
}
