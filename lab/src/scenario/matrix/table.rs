//! The table of what is supported.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cell::{Cell, Kind};
use crate::host_spec::{Generator, Manager, Release};

/// One row for each manager and generator, one column for each release: which networks
/// boot and stay, what failed, and what is not carried yet and why. `failed` are cells that
/// were tried and did not pass.
pub fn table(failed: &[Cell]) -> String {
    let mut text = String::from("| network manager | initramfs by |");
    for release in Release::ALL {
        let _ = write!(text, " {} |", release.title());
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(Release::ALL.len()));
    text.push('\n');
    for manager in Manager::ALL {
        for generator in Generator::ALL {
            let _ = write!(text, "| {} | {} |", manager.title(), generator.package());
            for release in Release::ALL {
                let cells = Kind::ALL.map(|network| Cell {
                    release,
                    generator,
                    manager,
                    network,
                });
                let _ = write!(text, " {} |", entry(&cells, failed));
            }
            text.push('\n');
        }
    }
    text
}

/// What is said of some networks of one release, generator and manager.
fn entry(cells: &[Cell], failed: &[Cell]) -> String {
    let titles = |cells: Vec<&Cell>| {
        let titles: Vec<_> = cells.iter().map(|cell| cell.network.title()).collect();
        titles.join(", ")
    };
    let (open, carried): (Vec<&Cell>, Vec<&Cell>) =
        cells.iter().partition(|cell| cell.gap().is_some());
    let (bad, good): (Vec<&Cell>, Vec<&Cell>) =
        carried.into_iter().partition(|cell| failed.contains(cell));
    let mut parts = Vec::new();
    if !good.is_empty() {
        parts.push(titles(good));
    }
    if !bad.is_empty() {
        parts.push(format!("**failed: {}**", titles(bad)));
    }
    let reasons: BTreeSet<_> = open.iter().filter_map(|cell| cell.gap()).collect();
    for reason in reasons {
        let of_reason: Vec<&Cell> = open
            .iter()
            .copied()
            .filter(|cell| cell.gap() == Some(reason))
            .collect();
        let which = if of_reason.len() == cells.len() {
            String::new()
        } else {
            format!(" {}", titles(of_reason))
        };
        parts.push(format!("not yet{which}: {reason}"));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../../docs/results/support.md");

    #[test]
    fn the_table_that_people_read_is_that_of_the_scenarios() {
        let table = table(&[]);
        assert!(
            DOCUMENT.contains(&table),
            "docs/results/support.md has another table than\n{table}"
        );
    }

    #[test]
    fn what_failed_is_told() {
        let cells = Cell::carried();
        let text = table(&cells[..1]);
        assert!(text.contains("**failed: static**"), "{text}");
    }
}
