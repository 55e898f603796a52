//! What devices answer when they have looked at a ring.

/// What came of a look at a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Served {
    /// The machine wants an interrupt.
    pub(crate) call: bool,
    /// There is more: look again when others have had their turn.
    pub(crate) again: bool,
}
