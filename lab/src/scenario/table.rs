//! The fault table: kinds of network × what can go wrong, with what must come of it.
//! Roots that only report; what concerns the running system is in [`running`].
//!
//! Each [`Row`] is one fault, on the networks where it makes sense. A scenario's name is
//! `fault-ROW-NETWORK`. All scenarios of a network share its image.

mod leases;
mod networks;
pub(super) mod phases;
mod row;
mod rows;
mod running;

use std::sync::LazyLock;

use super::Scenario;
pub(super) use networks::Network;
use row::Row;

pub(super) fn all() -> Vec<Scenario> {
    // Names live as long as the program.
    static CASES: LazyLock<Vec<(String, String, &'static Row, Network)>> = LazyLock::new(|| {
        let rows = rows::ROWS.iter();
        let cases = rows.flat_map(|row| row.on.iter().map(move |network| (row, *network)));
        let named = cases.map(|(row, network)| {
            let name = format!("fault-{}-{}", row.name, network.name());
            (
                name,
                format!("{}: {}", network.title(), row.title),
                row,
                network,
            )
        });
        named.collect()
    });
    let cases = CASES.iter().map(|(name, title, row, network)| Scenario {
        name,
        title,
        ..row.scenario(*network)
    });
    cases.chain(leases::all()).chain(running::all()).collect()
}
