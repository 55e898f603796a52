//! Which host the tables say this is.

use nvmeroot_nbft::Primary;
use nvmeroot_plan::{HostIdentity, Origin, Warning, insert_by_key};

use crate::host::{completed, in_written_order};
use crate::named::NamedTable;

/// The identity of the table that is marked as the platform's own, else of the first one
/// that has any.
pub(super) fn identity(
    tables: &[NamedTable],
    warnings: &mut Vec<Warning>,
) -> Option<(HostIdentity, Origin)> {
    let mut sorted: Vec<&NamedTable> = Vec::new();
    for table in tables {
        insert_by_key(&mut sorted, table, |one| {
            match one.table.host.flags.primary() {
                Primary::Selected => 0,
                Primary::NotIndicated | Primary::Reserved => 1,
                Primary::Unselected => 2,
            }
        });
    }
    let mut found: Option<(HostIdentity, Origin)> = None;
    for table in sorted {
        let place = table.origin("host");
        let identity = match of(table) {
            Ok(identity) => identity,
            Err(message) => {
                warnings.push(Warning::at(place, message));
                continue;
            }
        };
        match &found {
            None => found = Some((identity, place)),
            Some((first, at)) if *first != identity => {
                let message = format!(
                    "this host is `{}` here and `{}` in `{}`: the latter counts for all drives",
                    identity.nqn, first.nqn, at.file
                );
                warnings.push(Warning::at(place, message));
            }
            Some(_) => {}
        }
    }
    found
}

fn of(table: &NamedTable) -> Result<HostIdentity, String> {
    let host = &table.table.host;
    if host.nqn.is_empty() {
        return Err("the table has no host NQN, so it does not say which host this is".to_owned());
    }
    let nqn = host.nqn.parse();
    let nqn = nqn.map_err(|e| format!("the host NQN does not count: {e}"))?;
    // Zero is none.
    let id = host.id.to_string().parse().ok();
    let id = id.map(|id| in_written_order(&nqn, id));
    let pair = completed(Some(nqn), id, None);
    pair.ok_or_else(|| {
        "the table has no host identifier, so its host NQN does not count".to_owned()
    })
}
