//! The table of what is supported.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cell::{Cell, Kind};
use crate::host_spec::{Generator, Manager, Release};

/// The cells that have passed, one line each, among lines that are none.
pub fn passed(text: &str) -> BTreeSet<Cell> {
    let all = Cell::all().into_iter();
    let names: BTreeSet<&str> = text.lines().collect();
    all.filter(|cell| names.contains(cell.to_string().as_str()))
        .collect()
}

/// One row for each manager and generator, one column for each release: which networks
/// boot and stay, and which were not tried.
pub fn table(passed: &BTreeSet<Cell>) -> String {
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
                let _ = write!(text, " {} |", entry(&cells, passed));
            }
            text.push('\n');
        }
    }
    text
}

/// What is said of some networks of one release, generator and manager.
fn entry(cells: &[Cell], passed: &BTreeSet<Cell>) -> String {
    let (proven, others): (Vec<&Cell>, Vec<&Cell>) =
        cells.iter().partition(|cell| passed.contains(cell));
    let titles = |cells: &[&Cell]| -> Vec<&str> {
        let networks = cells.iter().map(|cell| cell.network);
        networks.map(Kind::title).collect()
    };
    let not_tried = match (proven.is_empty(), others.is_empty()) {
        (_, true) => None,
        (true, false) => Some("not tried".to_owned()),
        (false, false) => Some(format!("{}: not tried", titles(&others).join(", "))),
    };
    let proven = (!proven.is_empty()).then(|| titles(&proven).join(", "));
    proven
        .into_iter()
        .chain(not_tried)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../../docs/results/support.md");
    const PASSED: &str = include_str!("../../../../docs/results/raw/matrix.md");

    #[test]
    fn the_table_that_people_read_is_that_of_the_cells() {
        let passed = passed(PASSED);
        let table = table(&passed);
        assert!(
            DOCUMENT.contains(&table),
            "docs/results/support.md has another table than\n{table}"
        );
    }

    #[test]
    fn an_entry_tells_what_passed_and_what_did_not() {
        let text = "# title\ntrixie-dracut-netplan-ra\ntrixie-dracut-netplan-static\nelse\n";
        let passed = passed(text);
        assert_eq!(passed.len(), 2);
        let cells: Vec<Cell> = passed.iter().copied().collect();
        assert_eq!(entry(&cells, &passed), "static, IPv6 RA");
        assert_eq!(entry(&cells, &BTreeSet::new()), "not tried");
        let some = BTreeSet::from([cells[0]]);
        assert_eq!(entry(&cells, &some), "static; IPv6 RA: not tried");
    }
}
