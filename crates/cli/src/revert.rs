//! `nvmeroot revert`: everything as it was before the first `configure`.

use nvmeroot_plan::Warning;
use nvmeroot_render::FileSet;
use serde::Serialize;

use crate::args::{GeneratorArg, ReportFormat, RevertArgs};
use crate::changes::{self, FileLine};
use crate::diagnose::{self, Told};
use crate::environment::path_variable;
use crate::generator::{self, Choice};
use crate::root::{self, RootTree, Terms};
use crate::{Failure, managers, output, package, sources};

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
    // What has no record is known only when all is in its place again.
    let recovered = changes::recover(&root, args.dry_run)?;
    let of_package = package::paths(&root)?;
    let terms = Terms {
        force: args.force,
        stay: &[],
        of_package: &of_package,
        may_be_read_only: args.dry_run,
        tell: &changes::tell_moved,
    };
    let is_packaged = !of_package.is_empty();
    let set = match args.force {
        true => unrecorded(&root, is_packaged)?,
        false => FileSet::default(),
    };
    let done = changes::make(&root, recovered, &set, &terms)?;
    if !done.was_configured && !args.force {
        refuse(&unrecorded(&root, is_packaged)?)?;
    }
    // An earlier revert may not have come to it.
    let is_changed = |line: &root::Line| generator::is_read(line.path.as_str());
    let is_stale = args.update_initramfs || done.is_finished() || done.lines.iter().any(is_changed);
    let obstacle = changes::obstacle(&done);
    let files: Vec<FileLine> = done.lines.into_iter().map(FileLine::from).collect();
    let initramfs = match is_stale {
        true => {
            let paths = files.iter().map(|line| line.path.as_str());
            Some(Choice::of_former(&root, GeneratorArg::Auto, paths)?)
        }
        false => None,
    };
    let mut told = Told::default();
    told.warn_of_tree(obstacle);
    let guess = initramfs.as_ref();
    told.warn_of_tree(guess.and_then(|choice| choice.warning_of_revert(&root_path)));
    if initramfs.is_some() {
        diagnose::print_note(
            "once the initramfs is regenerated this machine boots without nvmeroot: root must be on a local drive by then",
        );
    }
    let next = generator::left_to_run(initramfs.as_ref(), args.update_initramfs, &root_path);
    let report = Report {
        dry_run: args.dry_run,
        warnings: told.warnings,
        was_configured: done.was_configured || !files.is_empty(),
        initramfs,
        files,
        directories: done.directories.iter().map(ToString::to_string).collect(),
        next,
    };
    let said = output::data(&report.text(args.format)?);
    if let (true, Some(choice)) = (args.update_initramfs, &report.initramfs) {
        generator::regenerate(choice.generator, &root, &root_path)?;
    }
    Ok(said?)
}

/// What takes away the files of which there is no record.
fn unrecorded(root: &RootTree, packaged: bool) -> Result<FileSet, Failure> {
    let left = nvmeroot_render::left_over(packaged, &managers::drop_ins(root)?)?;
    Ok(root.without_record(&left)?)
}

/// A version that kept no record can't be reverted.
fn refuse(unrecorded: &FileSet) -> Result<(), Failure> {
    let paths = unrecorded.into_iter();
    let paths: Vec<String> = paths.map(|change| format!("`{}`", change.path)).collect();
    if paths.is_empty() {
        return Ok(());
    }
    Err(Failure::Runtime(anyhow::anyhow!(
        "the root tree has files of nvmeroot's, and there is no record (any more) of what was there before: {}\nhint: `--force` moves them aside, as `.NAME.edited`, and what was there before is not known",
        paths.join(", ")
    )))
}

/// What was done, for people and for programs.
#[derive(Serialize)]
struct Report {
    dry_run: bool,
    /// As on standard error.
    warnings: Vec<Warning>,
    was_configured: bool,
    /// What makes the initramfs that has to be made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    initramfs: Option<Choice>,
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
        let mut text = String::new();
        if !self.was_configured {
            text.push_str("nothing to revert: nvmeroot has changed nothing in this root tree\n");
        }
        changes::write(&mut text, &self.files, &self.directories, self.dry_run);
        if let Some(choice) = &self.initramfs {
            text.push_str(&choice.line());
        }
        changes::write_next(&mut text, self.next.as_deref(), self.dry_run);
        Ok(text)
    }
}
