//! Cables and hubs: what happens to a frame between two cards.

/// What goes wrong on a segment.
#[derive(Debug, Clone, Default)]
pub struct Faults {}
