//! Priorities at the processor (setpriority(2)).

/// How much a thread, and what it starts, is in a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Everybody waits for it, and it takes little of a processor; udev's dozen of
    /// workers would come first.
    Urgent,
    /// As everybody.
    Ordinary,
    /// After everything else.
    Patient,
}

impl Priority {
    /// Gives it to this thread alone, as Linux has it, and to what it starts from now
    /// on. Without the right to more than it has, the thread keeps what it has.
    pub(crate) fn take(self) {
        let nice = match self {
            Self::Urgent => -10,
            Self::Ordinary => 0,
            Self::Patient => 19,
        };
        let _ = rustix::process::setpriority_process(None, nice);
    }
}
