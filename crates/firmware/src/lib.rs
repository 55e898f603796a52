//! What only the boot knows, as fragments of the plan: the tables that the firmware
//! left (NBFT), and the kernel command line.
//!
//! [`overlay`] makes fragments of both. Who resolves gives them to
//! [`nvmeroot_plan::resolve`] after those of the installed system, and the order is the
//! precedence:
//!
//! | what | kernel command line | firmware's table | installed plan |
//! |---|---|---|---|
//! | host NQN, host identifier | counts first, each by itself | counts without | counts without both |
//! | an interface's addresses, routes and DHCP | replace the others' | where the kernel is remote, replace the installed ones of the same card (by MAC address) and VLAN; else are added to them | count where nobody else speaks of the interface, or beside the table's |
//! | what a card is and stands in (name, MTU, bond, bridge) | names, VLANs and bonds | nothing but VLANs | counts |
//! | controllers | are added | are added; see below | count |
//!
//! What becomes of the installed controllers beside the table's, `precedence` in
//! `nvmeroot-plan` decides. The table that users see is in docs/guide/firmware.md.
//!
//! Nothing here reads or writes. What is not understood is in [`Overlay::warnings`].

#![forbid(unsafe_code)]

mod card;
mod command_line;
mod host;
mod known;
mod named;
mod report;
mod table;

pub use card::Card;
pub use command_line::{
    CommandLine, DEFAULT_DEADLINE, TABLES_DO_NOT_COUNT, Words, named_cards, takes_tables, words,
};
pub use named::NamedTable;
pub use report::changes;

use nvmeroot_plan::{Fragment, Reach, Warning};

use crate::known::Known;

/// The number of a table by the name of the file that Linux shows it in: 0 for `NBFT`, N
/// for `NBFTN` where there are several (`acpi_table_attr_init` in
/// drivers/acpi/sysfs.c); `None` for another file.
pub fn table_number(name: &str) -> Option<u32> {
    match name.strip_prefix("NBFT")? {
        "" => Some(0),
        number => number.parse().ok(),
    }
}

/// What only the boot knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Boot<'a> {
    /// The firmware's tables; those that the command line forbids are left out here.
    pub tables: &'a [NamedTable],
    /// The kernel command line.
    pub command_line: &'a str,
    /// The cards that are there already, in the kernel's order. It may be none: then an
    /// installed interface that names a card without its MAC address is taken for another
    /// one than the table's.
    pub cards: &'a [Card],
    /// The installed plan's. Only at [`Reach::Firmware`] has the firmware booted this very
    /// system, and its addresses count instead of the installed ones; else both do.
    pub reach: Reach,
}

/// What the boot adds to the installed fragments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// To be resolved after the installed ones; none: the installed plan counts as it
    /// is.
    pub fragments: Vec<Fragment>,
    /// What does not count, and why.
    pub warnings: Vec<Warning>,
}

/// Makes fragments of what only the boot knows. `installed`: what the plan was made of.
pub fn overlay(installed: &[Fragment], boot: Boot<'_>) -> Overlay {
    let mut warnings = Vec::new();
    let mut known = Known::new(installed, boot.cards);
    let mut fragments = Vec::new();
    let adds = boot.reach != Reach::Firmware;
    let table = table::fragment(boot.tables, &mut known, adds, &mut warnings);
    fragments.extend(table);
    let weaker = installed.iter().chain(&fragments).rev();
    let host = weaker.filter_map(|one| one.host.as_ref()).next();
    let host = host.map(|(host, _)| host.clone());
    let line = command_line::fragment(boot.command_line, host, &mut known, &mut warnings);
    fragments.extend(line);
    Overlay {
        fragments,
        warnings,
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
