//! A table and its name.

use nvmeroot_nbft::Table;
use nvmeroot_plan::Origin;

/// A table that was read, and what it is called.
#[derive(Clone, Debug)]
pub struct NamedTable {
    /// `NBFT`, `NBFT1`: as Linux names it.
    pub name: String,
    /// The table.
    pub table: Table,
}

impl NamedTable {
    /// Where a record of it says something.
    pub(crate) fn origin(&self, record: &str) -> Origin {
        Origin::whole(self.name.as_str()).with_key(record)
    }
}
