//! What one part of the measurements tells.

use super::goal::{Goal, goals_table, unmet};

/// What a part has to tell.
pub(super) struct Section {
    pub(super) name: &'static str,
    /// Markdown.
    pub(super) text: String,
    /// Goals that are not met.
    pub(super) unmet: Vec<String>,
}

impl Section {
    /// What was measured, and below it whether that meets the goals.
    pub(super) fn judged(name: &'static str, measured: &str, goals: &[Goal]) -> Section {
        Section {
            name,
            text: format!("{measured}\n\n{}\n", goals_table(goals)),
            unmet: unmet(goals),
        }
    }
}
