//! What was done to a root tree, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use nvmeroot_plan::Warning;
use nvmeroot_render::FileSet;
use serde::Serialize;

use crate::diagnose;
use crate::root::{self, Interrupted, MovedAside, Outcome, Recovered, RootTree};

/// Who is at work, and whom it waits for.
pub(crate) fn lock(root: &RootTree, path: &Path) -> Result<(), root::RootError> {
    let name = path.display();
    root.lock(|| {
        diagnose::print_note(&format!(
            "another nvmeroot is at work in `{name}`; waiting for it"
        ));
    })
}

/// Puts right what an interrupted run left, and says so before anything else can fail.
pub(crate) fn recover(
    root: &RootTree,
    dry_run: bool,
) -> Result<Option<Recovered>, root::RootError> {
    if dry_run {
        return Ok(None);
    }
    let recovered = root.recover(&tell_moved)?;
    tell_interrupted(recovered.interrupted, false);
    Ok(Some(recovered))
}

/// Makes the changes, or says what they would be where nothing was put right before.
pub(crate) fn make(
    root: &RootTree,
    recovered: Option<Recovered>,
    set: &FileSet,
    terms: &root::Terms<'_>,
) -> Result<root::Report, root::RootError> {
    let Some(recovered) = recovered else {
        let report = root.preview(set, terms)?;
        tell_interrupted(report.interrupted, true);
        return Ok(report);
    };
    root.apply(recovered, set, terms)
}

/// What would keep the changes from being made, where they only would be.
pub(crate) fn obstacle(report: &root::Report) -> Option<Warning> {
    let error = report.obstacle.as_ref()?;
    Some(diagnose::warning_of(&error.to_string()))
}

/// Says where a file is that somebody had edited.
pub(crate) fn tell_moved(file: &MovedAside) {
    let (path, to) = (&file.path, &file.to);
    diagnose::print_note(&format!(
        "`{path}` was edited since nvmeroot wrote it; the edited file is kept as `{to}`"
    ));
}

/// Says that a run before this one did not come to its end.
fn tell_interrupted(interrupted: Option<Interrupted>, dry_run: bool) {
    let done = match (interrupted, dry_run) {
        (None, _) => return,
        (Some(Interrupted::Undone), true) => "what it had done would be undone first",
        (Some(Interrupted::Undone), false) => "what it had done was undone first",
        (Some(Interrupted::Finished), true) => {
            "it had put everything back, and what it left would be cleared away first"
        }
        (Some(Interrupted::Finished), false) => {
            "it had put everything back, and what it left was cleared away first"
        }
    };
    diagnose::print_note(&format!("an earlier run was interrupted; {done}"));
}

/// One path.
#[derive(Serialize)]
pub(crate) struct FileLine {
    pub(crate) path: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<String>,
    /// Where the file is that somebody had edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_is_at: Option<String>,
    why: String,
}

impl From<root::Line> for FileLine {
    fn from(line: root::Line) -> Self {
        Self {
            path: line.path.to_string(),
            outcome: match line.outcome {
                Outcome::Created => "created",
                Outcome::Replaced => "replaced",
                Outcome::ModeSet => "mode set",
                Outcome::Unchanged => "unchanged",
                Outcome::MovedAside(_) => "moved aside",
                Outcome::Removed => "removed",
                Outcome::PutBack => "put back",
            },
            moved_to: match line.outcome {
                Outcome::MovedAside(to) => Some(to.to_string()),
                _ => None,
            },
            edited_is_at: line.edited_is_at.map(|path| path.to_string()),
            why: line.why.to_owned(),
        }
    }
}

/// A line for each path and each directory that was removed.
pub(crate) fn write(text: &mut String, files: &[FileLine], directories: &[String], dry_run: bool) {
    let would = if dry_run { "would be " } else { "" };
    for line in files {
        let (outcome, path) = (line.outcome, &line.path);
        let moved = line.moved_to.as_ref().map(|to| format!(" → {to}"));
        let moved = moved.unwrap_or_default();
        let edited = line.edited_is_at.as_ref();
        let edited = edited.map(|at| format!(", the edited file {would}kept as {at}"));
        let edited = edited.unwrap_or_default();
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "  {would}{outcome}: {path}{moved}{edited}  ({})",
            line.why
        );
    }
    for directory in directories {
        let _ = writeln!(
            text,
            "  {would}removed: {directory}/  (nvmeroot had made it, and nothing else is in it)"
        );
    }
}

/// What the user is to type now.
pub(crate) fn write_next(text: &mut String, next: Option<&str>, dry_run: bool) {
    if let (Some(next), false) = (next, dry_run) {
        let _ = writeln!(text, "next: {next}");
    }
}
