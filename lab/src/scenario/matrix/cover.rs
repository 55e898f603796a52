//! A selection of cells that has each pair of values, and each value twice.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::Cell;

/// Two values of different axes.
fn pairs(cell: &Cell) -> Vec<(usize, usize)> {
    let values = cell.values();
    let pairs = values.iter().enumerate().flat_map(|(at, one)| {
        let others = values[at + 1..].iter();
        others.map(move |other| (*one, *other))
    });
    pairs.collect()
}

/// Some of the cells: each pair of values that any of them has is had by one, each value by
/// two where there are two. The next one is always that which brings most; of several that
/// one whose tree is there already.
pub(super) fn cover(cells: &[Cell]) -> Vec<Cell> {
    let mut missing: BTreeSet<_> = cells.iter().flat_map(pairs).collect();
    let mut chosen: Vec<Cell> = Vec::new();
    let best = |chosen: &[Cell], brings: &dyn Fn(&Cell) -> usize| {
        let left = cells.iter().filter(|cell| !chosen.contains(cell));
        let has_tree = |cell: &Cell| chosen.iter().any(|one| one.tree() == cell.tree());
        let rated = left.map(|cell| (brings(cell), has_tree(cell), cell));
        // Of those alike the first: the last that is the largest from behind.
        let rated: Vec<_> = rated.filter(|(brings, ..)| *brings > 0).collect();
        let best = rated.into_iter().rev().max_by_key(|one| (one.0, one.1));
        best.map(|(_, _, cell)| *cell)
    };
    while let Some(cell) = best(&chosen, &|cell| {
        pairs(cell)
            .iter()
            .filter(|pair| missing.contains(pair))
            .count()
    }) {
        for pair in pairs(&cell) {
            missing.remove(&pair);
        }
        chosen.push(cell);
    }
    loop {
        let counts = counts(&chosen);
        let once = |value: &usize| counts.get(value).is_some_and(|count| *count < 2);
        let brings = |cell: &Cell| cell.values().iter().filter(|value| once(value)).count();
        let Some(cell) = best(&chosen, &brings) else {
            return chosen;
        };
        chosen.push(cell);
    }
}

/// How often each value is there.
fn counts(cells: &[Cell]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for value in cells.iter().flat_map(Cell::values) {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_covered(cells: &[Cell]) {
        let chosen = cover(cells);
        let all: BTreeSet<_> = cells.iter().flat_map(pairs).collect();
        let covered: BTreeSet<_> = chosen.iter().flat_map(pairs).collect();
        assert_eq!(covered, all, "pairs");
        let (there, twice) = (counts(cells), counts(&chosen));
        for (value, count) in there {
            assert!(twice[&value] >= count.min(2), "value {value} of {chosen:?}");
        }
        let mut once = chosen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), chosen.len(), "none twice");
    }

    #[test]
    fn the_whole_matrix_is_covered_by_few() {
        let cells = Cell::all();
        is_covered(&cells);
        // Twenty pairs of manager and network there are.
        let count = cover(&cells).len();
        assert!((20..=24).contains(&count), "{count}");
    }

    #[test]
    fn what_is_carried_is_covered() {
        is_covered(&Cell::all());
        is_covered(&Cell::all()[..1]);
        is_covered(&[]);
    }
}
