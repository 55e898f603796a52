//! What is found while several files are read as one.

use nvmeroot_plan::{Origin, Warning};

use crate::diagnostic::{Diagnostic, Diagnostics, Report, nearest};
use crate::yaml::{Document, KeyPath, Node};

/// Looking for the nearest known word takes its time, and a file that needs it
/// this often is of no dialect of netplan's.
const MAX_LOOKUPS: u32 = 1000;

/// One report per file, each with its own errors in the file's order.
#[derive(Debug)]
pub(crate) struct Findings<'d> {
    reports: Vec<(&'d Document, Report<'d>)>,
    lookups: u32,
    /// Warnings about no file in particular.
    general: Vec<Warning>,
}

/// A node's place.
pub(crate) fn origin(node: Node<'_>, path: &KeyPath<'_>) -> Origin {
    node.origin(path)
}

impl<'d> Findings<'d> {
    pub(crate) fn new(documents: impl IntoIterator<Item = &'d Document>) -> Self {
        let documents = documents.into_iter();
        Self {
            reports: documents.map(|d| (d, Report::new(d))).collect(),
            lookups: 0,
            general: Vec::new(),
        }
    }

    /// The known word that a wrong one was most likely meant to be, unless that
    /// was asked too often.
    pub(crate) fn nearest<'k>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Option<&'k str> {
        self.lookups = self.lookups.saturating_add(1);
        (self.lookups <= MAX_LOOKUPS)
            .then(|| nearest(word, known))
            .flatten()
    }

    /// Reports an error at a node; `message` says what is there.
    pub(crate) fn error(
        &mut self,
        node: Node<'d>,
        path: &KeyPath<'_>,
        message: impl Into<String>,
        complete: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let diagnostic = complete(Diagnostic::new(origin(node, path), message));
        // Few files: nobody has thousands of them.
        let own = |(document, _): &&mut (&Document, _)| std::ptr::eq(*document, node.document());
        if let Some((_, report)) = self.reports.iter_mut().find(own) {
            report.error(diagnostic);
        }
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        match self.reports.first_mut() {
            Some((_, report)) => report.warn(warning),
            None => self.general.push(warning),
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.reports.iter().any(|(_, report)| report.has_errors())
    }

    /// The warnings, or everything where there are errors.
    pub(crate) fn finish(self) -> Result<Vec<Warning>, Diagnostics> {
        let mut warnings = self.general;
        let mut found = Diagnostics::default();
        for (_, report) in self.reports {
            match report.finish() {
                Ok(more) => warnings.extend(more),
                Err(more) => {
                    found.shown.extend(more.shown);
                    found.left_out += more.left_out;
                    warnings.extend(more.warnings);
                }
            }
        }
        if found.shown.is_empty() {
            return Ok(warnings);
        }
        found.warnings = warnings;
        Err(found)
    }
}
