//! `nvmeroot revert`: everything as it was before the first `configure`.

use nvmeroot_render::FileSet;
use serde::Serialize;

use crate::args::{GeneratorArg, ReportFormat, RevertArgs};
use crate::changes::{self, FileLine};
use crate::environment::path_variable;
use crate::generator::{self, Choice};
use crate::root::{RootTree, Terms};
use crate::{Failure, diagnose, managers, output, package, sources};

/// Puts everything back.
pub(crate) fn run(args: &RevertArgs) -> Result<(), Failure> {
    let target = || path_variable("TARGET_MOUNT_POINT");
    let Some(root_path) = args.root.clone().or_else(target) else {
        return Err(Failure::Usage(
            "no root tree is given\nhint: pass `--root DIR`".to_owned(),
        ));
    };
    let root = sources::open_root(&root_path)?;
    if !args.dry_run {
        changes::lock(&root, &root_path)?;
    }
    let of_package = package::paths(&root)?;
    let terms = Terms {
        force: args.force,
        stay: &[],
        of_package: &of_package,
    };
    let nothing = FileSet::default();
    let done = match args.dry_run {
        true => root.preview(&nothing, &terms)?,
        false => root.apply(&nothing, &terms)?,
    };
    changes::tell_interrupted(&done, args.dry_run);
    if !done.was_configured {
        refuse_without_record(&root, !of_package.is_empty())?;
    }
    let files: Vec<FileLine> = done.lines.into_iter().map(FileLine::from).collect();
    let choice = match files.iter().any(|line| generator::is_read(&line.path)) {
        true => Some(Choice::of(&root, GeneratorArg::Auto)?),
        false => None,
    };
    let next = choice
        .as_ref()
        .map(|choice| generator::next_command(choice.generator, &root_path));
    if choice.is_some() {
        diagnose::print_note(
            "once the initramfs is regenerated this machine boots without nvmeroot: root must be on a local drive by then",
        );
    }
    let report = Report {
        dry_run: args.dry_run,
        was_configured: done.was_configured,
        files,
        directories: done.directories.iter().map(ToString::to_string).collect(),
        next,
    };
    let told = output::data(&report.text(args.format)?);
    if let (true, Some(choice)) = (args.update_initramfs, &choice) {
        generator::regenerate(choice.generator, &root_path)?;
    }
    Ok(told?)
}

/// A version that kept no record can't be reverted.
fn refuse_without_record(root: &RootTree, packaged: bool) -> Result<(), Failure> {
    let left = nvmeroot_render::left_over(packaged, &managers::drop_ins(root)?)?;
    let left = root.without_record(&left)?;
    if left.is_empty() {
        return Ok(());
    }
    let paths = (&left)
        .into_iter()
        .map(|change| format!("`{}`", change.path));
    let paths: Vec<String> = paths.collect();
    Err(Failure::Runtime(anyhow::anyhow!(
        "the root tree has files of an nvmeroot that kept no record of what was there before: {}\nhint: run `nvmeroot configure` again, which takes them over; then `nvmeroot revert` takes them away",
        paths.join(", ")
    )))
}

/// What was done, for people and for programs.
#[derive(Serialize)]
struct Report {
    dry_run: bool,
    was_configured: bool,
    files: Vec<FileLine>,
    /// Directories that were removed.
    directories: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Report {
    fn text(&self, format: ReportFormat) -> Result<String, Failure> {
        if format == ReportFormat::Json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        if !self.was_configured {
            return Ok(
                "nothing to revert: nvmeroot has changed nothing in this root tree\n".to_owned(),
            );
        }
        let mut text = String::new();
        changes::write(&mut text, &self.files, &self.directories, self.dry_run);
        if let (Some(next), false) = (&self.next, self.dry_run) {
            text.push_str(&format!("next: {next}\n"));
        }
        Ok(text)
    }
}
