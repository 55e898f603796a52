//! The firmware's tables (NVM Express Boot Specification) as one fragment.

mod hfi;
mod host;
mod means;
mod storage;
mod uri;

use nvmeroot_plan::{Authority, Fragment, StorageGraph, Warning};

use self::hfi::Interfaces;
use self::storage::Drives;
use crate::known::Known;
use crate::named::NamedTable;

/// What the tables say together; `None` where there are none. `adds`: an installed
/// interface keeps its own addresses, too. Records that can't be carried out are in
/// `warnings`.
pub(crate) fn fragment(
    tables: &[NamedTable],
    known: &mut Known<'_>,
    adds: bool,
    warnings: &mut Vec<Warning>,
) -> Option<Fragment> {
    if tables.is_empty() {
        return None;
    }
    let mut interfaces = Interfaces::new(known, adds, warnings);
    let places: Vec<_> = tables
        .iter()
        .enumerate()
        .map(|(number, table)| interfaces.add(number, table))
        .collect();
    let interfaces = interfaces.finish();
    let mut drives = Drives::default();
    for (table, places) in tables.iter().zip(&places) {
        drives.add(table, places, warnings);
    }
    let (nodes, booted_from) = drives.finish();
    Some(Fragment {
        authority: Authority::Firmware,
        // No two of them have one id, and none refers to another.
        storage: StorageGraph::new(nodes).ok(),
        booted_from,
        interfaces: Some(interfaces),
        host: host::identity(tables, warnings),
        ..Fragment::default()
    })
}

#[cfg(test)]
mod tests;
