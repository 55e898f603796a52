//! What `check` says.

use std::fmt;

use serde::Serialize;

use super::finding::{Finding, Severity};
use crate::diagnose::Hints;

/// All that was found, and what was looked at.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// It would, as far as was looked.
    pub(crate) boots: bool,
    pub(crate) reach: nvmeroot_plan::Reach,
    /// The images that were read.
    pub(crate) images: Vec<String>,
    /// Faults first.
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn new(
        reach: nvmeroot_plan::Reach,
        images: Vec<String>,
        findings: Vec<Finding>,
    ) -> Self {
        let report = Self {
            boots: true,
            reach,
            images,
            findings,
        };
        report.judged()
    }

    /// The same, with the worst first and what they come to.
    #[must_use]
    pub(crate) fn judged(mut self) -> Self {
        self.findings.sort_by_key(|finding| finding.severity);
        let mut findings = self.findings.iter();
        self.boots = findings.all(|one| one.severity != Severity::Fault);
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hints = Hints::default();
        for finding in &self.findings {
            write!(f, "{finding}")?;
            if let Some(mend) = finding.mend.as_ref().filter(|one| hints.is_new(one)) {
                writeln!(f, "hint: {mend}")?;
            }
            writeln!(f)?;
        }
        let faults = self.findings.iter();
        let faults = faults.filter(|one| one.severity == Severity::Fault).count();
        let warnings = self.findings.len() - faults;
        let images = self.images.len();
        let looked = match images {
            0 => String::new(),
            1 => format!(" (looked into `{}`)", self.images[0]),
            _ => format!(" (looked into {images} initramfs images)"),
        };
        let reach = self.reach;
        let unseen = format!("reach: {reach}; what boots it was not looked at");
        match (faults, warnings) {
            (0, 0) if !reach.is_by_initramfs() => writeln!(f, "nothing was found ({unseen})"),
            (0, _) if !reach.is_by_initramfs() => {
                writeln!(f, "{} ({unseen})", many(warnings, "warning"))
            }
            (0, 0) => writeln!(f, "ready to boot: nothing was found{looked}"),
            (0, _) => writeln!(f, "ready to boot, {}{looked}", many(warnings, "warning")),
            (_, 0) => writeln!(f, "would not boot: {}{looked}", many(faults, "fault")),
            _ => writeln!(
                f,
                "would not boot: {}, {}{looked}",
                many(faults, "fault"),
                many(warnings, "warning")
            ),
        }
    }
}

fn many(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
