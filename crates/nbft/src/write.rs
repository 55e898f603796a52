//! Table to bytes.

mod heap;
mod records;

use alloc::vec::Vec;
use core::mem::offset_of;

use zerocopy::{FromZeros, IntoBytes};

use self::heap::{Heap, narrow};
use crate::error::WriteError;
use crate::layout::{self, id};
use crate::table::{Host, HostFlags, Table};

impl Table {
    /// Writes the table in the order of EDK II: header, control descriptor,
    /// host, HFIs, subsystems, security profiles, discovery entries, heap. What
    /// says that a record counts is set; everything else is written as it is,
    /// indexes that no record has included.
    ///
    /// # Errors
    /// When something does not fit or would be read back as something else.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        let control_rest = self.control_rest();
        let host_rest = self.host.unknown.bytes().get(8..).unwrap_or_default();
        let fixed = size_of::<layout::Header>() + size_of::<layout::Control>();
        let host_at = fixed + control_rest.len();
        let host_length = size_of::<layout::Host>() + host_rest.len();

        // Lengths first: offsets into the heap depend on where that begins.
        let hfis = self.hfis.iter().map(|one| &one.unknown);
        let subsystems = self.subsystems.iter().map(|one| &one.unknown);
        let security = self.security.iter().map(|one| &one.unknown);
        let discovery = self.discovery.iter().map(|one| &one.unknown);
        let mut at = host_at + host_length;
        let [
            ..,
            hfi_version,
            subsystem_version,
            security_version,
            discovery_version,
        ] = self.header.versions;
        let hfi_list = records::list::<layout::Hfi>("HFIs", hfis, hfi_version, &mut at)?;
        let subsystem_list = records::list::<layout::Subsystem>(
            "subsystems",
            subsystems,
            subsystem_version,
            &mut at,
        )?;
        let security_list = records::list::<layout::Security>(
            "security profiles",
            security,
            security_version,
            &mut at,
        )?;
        let discovery_list = records::list::<layout::Discovery>(
            "discovery entries",
            discovery,
            discovery_version,
            &mut at,
        )?;

        let mut heap = Heap::new(at);
        let signature = heap.object("driver signature", &self.header.driver_signature)?;
        let host = host(&self.host, &mut heap)?;
        let mut body = Vec::new();
        body.extend_from_slice(host.as_bytes());
        body.extend_from_slice(host_rest);
        records::hfis(&self.hfis, hfi_list, &mut body, &mut heap)?;
        records::subsystems(&self.subsystems, subsystem_list, &mut body, &mut heap)?;
        records::security(&self.security, security_list, &mut body, &mut heap)?;
        records::discovery(&self.discovery, discovery_list, &mut body, &mut heap)?;

        let mut control = layout::Control::new_zeroed();
        control.structure_id = id::CONTROL;
        control.major = 1;
        control.minor = self.header.control_minor;
        control.length = narrow(
            "control descriptor",
            size_of::<layout::Control>() + control_rest.len(),
        )?;
        control.host = layout::Reference {
            offset: heap::offset("host descriptor", host_at)?,
            length: narrow("host descriptor", host_length)?,
        };
        control.host_version = self.header.versions[0];
        control.hfis = hfi_list;
        control.subsystems = subsystem_list;
        control.security = security_list;
        control.discovery = discovery_list;
        self.fill_control(&mut control);

        let heap_bytes = heap.into_bytes();
        let mut header = layout::Header::new_zeroed();
        header.signature = *b"NBFT";
        header.length = heap::offset("table", at + heap_bytes.len())?;
        header.major = 1;
        header.oem_id = self.header.oem_id;
        header.oem_table_id = self.header.oem_table_id;
        header.oem_revision = self.header.oem_revision.into();
        header.creator_id = self.header.creator_id.into();
        header.creator_revision = self.header.creator_revision.into();
        header.heap_offset = heap::offset("heap", at)?;
        header.heap_length = heap::offset("heap", heap_bytes.len())?;
        header.driver_signature = signature;
        header.minor = self.header.minor;
        self.header.unknown.spread(&mut [&mut header.reserved]);

        let mut bytes = Vec::with_capacity(at + heap_bytes.len());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(control.as_bytes());
        bytes.extend_from_slice(control_rest);
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&heap_bytes);
        fix_checksum(&mut bytes);
        Ok(bytes)
    }

    /// What comes after the known part of the control descriptor.
    fn control_rest(&self) -> &[u8] {
        self.fill_control(&mut layout::Control::new_zeroed())
    }

    /// The reserved bytes; returns what comes after the known part.
    fn fill_control(&self, control: &mut layout::Control) -> &[u8] {
        control.flags = layout::VALID;
        self.header.control_unknown.spread(&mut [
            core::slice::from_mut(&mut control.flags),
            core::slice::from_mut(&mut control.reserved1),
            core::slice::from_mut(&mut control.reserved2),
            core::slice::from_mut(&mut control.reserved3),
            &mut control.reserved4,
        ])
    }
}

fn host(host: &Host, heap: &mut Heap) -> Result<layout::Host, WriteError> {
    let mut raw = layout::Host::new_zeroed();
    raw.structure_id = id::HOST;
    raw.flags = (host.flags | HostFlags::VALID).bits();
    raw.id = host.id.0;
    raw.nqn = heap.text("host NQN", Some(&host.nqn))?;
    host.unknown.spread(&mut [&mut raw.reserved]);
    Ok(raw)
}

/// Sets the checksum of a table that was changed by hand, so that a test of
/// another rule gets past it. Does nothing to what is too short for a header.
pub fn fix_checksum(table: &mut [u8]) {
    let stated = table.get(4..8).and_then(|bytes| bytes.try_into().ok());
    let stated = stated.map_or(0, u32::from_le_bytes);
    let length = usize::try_from(stated).unwrap_or(usize::MAX);
    let length = length.min(table.len());
    let at = offset_of!(layout::Header, checksum);
    if at >= length {
        return;
    }
    table[at] = 0;
    let sum = table[..length]
        .iter()
        .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    table[at] = sum.wrapping_neg();
}
