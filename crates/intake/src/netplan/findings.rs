//! What is found while several files are read as one.

use nvmeroot_plan::Warning;

use crate::diagnostic::{Diagnostic, Diagnostics, Report, nearest};
use crate::yaml::{Document, KeyPath, Node};

/// Looking for the nearest known word takes its time, and a file that needs it
/// this often is of no dialect of netplan's.
const MAX_LOOKUPS: u32 = 1000;

/// One report per file, each with its own errors in the file's order.
#[derive(Debug)]
pub(crate) struct Findings<'d> {
    reports: Vec<(&'d Document, Report)>,
    lookups: u32,
    /// Warnings about no file in particular.
    general: Vec<Warning>,
}

impl<'d> Findings<'d> {
    pub(crate) fn new(documents: impl IntoIterator<Item = &'d Document>) -> Self {
        let documents = documents.into_iter();
        Self {
            reports: documents.map(|d| (d, Report::default())).collect(),
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

    /// The same as a question.
    pub(crate) fn meant<'k>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Option<String> {
        let near = self.nearest(word, known)?;
        Some(format!("did you mean `{near}`?"))
    }

    /// Reports that something else was expected.
    pub(crate) fn misfit(
        &mut self,
        node: Node<'d>,
        path: &KeyPath<'_>,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.error(node, path, message, |d| d.expected(expected));
    }

    /// Reports an error at a node; `message` says what is there.
    pub(crate) fn error(
        &mut self,
        node: Node<'d>,
        path: &KeyPath<'_>,
        message: impl Into<String>,
        complete: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let diagnostic = complete(Diagnostic::new(node.origin(path), message));
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
        let mut found = Diagnostics {
            warnings: self.general,
            ..Diagnostics::default()
        };
        for (_, report) in self.reports {
            match report.finish() {
                Ok(more) => found.warnings.extend(more),
                Err(more) => found.append(more),
            }
        }
        match found.shown.is_empty() {
            true => Ok(found.warnings),
            false => Err(found),
        }
    }
}
