//! Bytes to table.

mod discovery;
mod entry;
mod hfi;
mod security;
mod source;
mod subsystem;

use alloc::vec::Vec;
use core::mem::offset_of;

use zerocopy::FromBytes;

use self::entry::Entry;
use self::source::{Source, Structure};
use crate::error::{Broken, Effect, Note, RecordKind, Rule};
use crate::layout::{self, id};
use crate::table::{Header, Host, HostFlags, Table};
use crate::value::{Unknown, Uuid};

/// Where the control descriptor lies.
const CONTROL: usize = size_of::<layout::Header>();
/// The shortest table.
const LEAST: usize = CONTROL + size_of::<layout::Control>();

/// A table that was read, and what of it does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The table, without what does not count.
    pub table: Table,
    /// Records and fields that break a rule, in the order of the lists: HFIs,
    /// security profiles, discovery entries, subsystems.
    pub notes: Vec<Note>,
}

/// Reads a table. Bytes after the table's own length are left alone.
///
/// A record that breaks a rule is left out with a note, and so is one that
/// refers to it.
///
/// # Errors
/// When header, control descriptor, host or a list as a whole breaks a rule:
/// then nothing of the table can be relied on.
pub fn parse(bytes: &[u8]) -> Result<Parsed, Broken> {
    let (header, table) = frame(bytes)?;
    let heap = (header.heap_offset.get(), header.heap_length.get());
    let source = Source::new(table, heap).ok_or_else(|| {
        let (offset, length) = heap;
        let at = offset_of!(layout::Header, heap_offset);
        Broken::new(at, Rule::Heap { offset, length })
    })?;
    let control = control(&source)?;
    let host = host(&source, control)?;
    let mut table = Table {
        header: header_of(header, control, &source),
        host,
        ..Table::default()
    };
    let mut notes = Vec::new();
    let field = "driver signature";
    match source.object(field, &header.driver_signature) {
        Ok(object) => table.header.driver_signature = object.to_vec(),
        Err(broken) => notes.push(Note {
            kind: RecordKind::Header,
            place: 1,
            effect: Effect::Ignored(field),
            broken,
            bytes: Vec::new(),
        }),
    }
    let mut reader = Reader {
        source: &source,
        table: &mut table,
        notes: &mut notes,
    };
    reader.list(&control.hfis, RecordKind::Hfi, hfi::read)?;
    reader.list(&control.security, RecordKind::Security, security::read)?;
    reader.list(&control.discovery, RecordKind::Discovery, discovery::read)?;
    reader.list(&control.subsystems, RecordKind::Subsystem, subsystem::read)?;
    Ok(Parsed { table, notes })
}

/// The header, and the table as long as that says.
fn frame(bytes: &[u8]) -> Result<(&layout::Header, &[u8]), Broken> {
    let too_short = |found| {
        let least = LEAST;
        Err(Broken::new(0, Rule::TooShort { found, least }))
    };
    // Bytes that are no table at all should not be called a short one.
    if let Some(&signature) = bytes.first_chunk::<4>()
        && signature != *b"NBFT"
    {
        return Err(Broken::new(0, Rule::Signature(signature)));
    }
    let Ok((header, _)) = layout::Header::ref_from_prefix(bytes) else {
        return too_short(bytes.len());
    };
    let stated = header.length.get();
    let at = offset_of!(layout::Header, length);
    let length = usize::try_from(stated).unwrap_or(usize::MAX);
    let Some(table) = bytes.get(..length) else {
        let found = bytes.len();
        return Err(Broken::new(at, Rule::Length { stated, found }));
    };
    if length < LEAST {
        return too_short(length);
    }
    let sum = table.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    if sum != 0 {
        let at = offset_of!(layout::Header, checksum);
        return Err(Broken::new(at, Rule::Checksum(sum)));
    }
    let (major, minor) = (header.major, header.minor);
    if major != 1 || minor > 1 {
        let at = if major == 1 {
            offset_of!(layout::Header, minor)
        } else {
            offset_of!(layout::Header, major)
        };
        return Err(Broken::new(at, Rule::Revision { major, minor }));
    }
    Ok((header, table))
}

fn control<'s>(source: &Source<'s>) -> Result<&'s layout::Control, Broken> {
    let control: &layout::Control = source.structure(CONTROL, "control descriptor")?;
    source.expect_id(&control.structure_id, id::CONTROL)?;
    source.expect_valid(&control.flags, control.flags & layout::VALID != 0)?;
    Ok(control)
}

fn header_of(header: &layout::Header, control: &layout::Control, source: &Source<'_>) -> Header {
    Header {
        minor: header.minor,
        oem_id: header.oem_id,
        oem_table_id: header.oem_table_id,
        oem_revision: header.oem_revision.get(),
        creator_id: header.creator_id.get(),
        creator_revision: header.creator_revision.get(),
        driver_signature: Vec::new(),
        control_minor: control.minor,
        versions: [
            control.host_version,
            control.hfis.version,
            control.subsystems.version,
            control.security.version,
            control.discovery.version,
        ],
        unknown: Unknown::gather(&[&header.reserved]),
        control_unknown: Unknown::gather(&[
            &[control.flags & !layout::VALID],
            &[control.reserved1, control.reserved2, control.reserved3],
            &control.reserved4,
            source.after(LEAST, CONTROL + usize::from(control.length.get())),
        ]),
    }
}

fn host<'s>(source: &Source<'s>, control: &'s layout::Control) -> Result<Host, Broken> {
    let reference = &control.host;
    let (offset, length) = (reference.offset.get(), reference.length.get());
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let outside = || {
        let field = "host descriptor";
        let rule = Rule::Reference {
            field,
            offset,
            length,
        };
        source.broken(reference, rule)
    };
    // Below that lie the header and the control descriptor.
    if start < LEAST {
        return Err(outside());
    }
    let raw = source.structure::<layout::Host>(start, "host descriptor");
    let raw = raw.map_err(|_| outside())?;
    source.expect_id(&raw.structure_id, id::HOST)?;
    let flags = HostFlags::from_bits_retain(raw.flags);
    source.expect_valid(&raw.flags, flags.contains(HostFlags::VALID))?;
    Ok(Host {
        id: Uuid(raw.id),
        nqn: source.mandatory_text("host NQN", &raw.nqn)?,
        flags,
        unknown: Unknown::gather(&[
            &raw.reserved,
            source.after(
                start + size_of::<layout::Host>(),
                start + usize::from(length),
            ),
        ]),
    })
}

/// Reads the lists into the table.
struct Reader<'r, 's> {
    source: &'r Source<'s>,
    table: &'r mut Table,
    notes: &'r mut Vec<Note>,
}

type ReadEntry<T> = fn(&mut Entry<'_, '_, T>, &mut Table) -> Result<(), Broken>;

impl<'s> Reader<'_, 's> {
    /// Reads a list of the control descriptor's.
    fn list<T: Structure>(
        &mut self,
        list: &'s layout::List,
        kind: RecordKind,
        read: ReadEntry<T>,
    ) -> Result<(), Broken> {
        for (place, bytes) in (1..).zip(self.entries::<T>(list)?) {
            let Ok((raw, rest)) = T::ref_from_prefix(bytes) else {
                continue;
            };
            let mut entry = Entry {
                source: self.source,
                raw,
                rest,
                ignored: Vec::new(),
            };
            let result = read(&mut entry, self.table);
            let mut note = |effect, broken| {
                self.notes.push(Note {
                    kind,
                    place,
                    effect,
                    broken,
                    bytes: bytes.to_vec(),
                });
            };
            match result {
                Err(broken) => note(Effect::Dropped, broken),
                Ok(()) => entry
                    .ignored
                    .into_iter()
                    .for_each(|(field, broken)| note(Effect::Ignored(field), broken)),
            }
        }
        Ok(())
    }

    /// The entries of a list, which are as long as it says.
    fn entries<T>(&self, list: &'s layout::List) -> Result<Vec<&'s [u8]>, Broken> {
        let (offset, length, count) = (list.offset.get(), list.length.get(), list.count);
        if count == 0 {
            return Ok(Vec::new());
        }
        let (found, least) = (length, size_of::<T>());
        if usize::from(length) < least {
            let rule = Rule::EntryLength { found, least };
            return Err(self.source.broken(&list.length, rule));
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let all = usize::from(length) * usize::from(count);
        let bytes = match start {
            0 => None,
            _ => self.source.range(start, all),
        };
        let Some(bytes) = bytes else {
            let rule = Rule::List {
                offset,
                length,
                count,
            };
            return Err(self.source.broken(list, rule));
        };
        Ok(bytes.chunks_exact(length.into()).collect())
    }
}
