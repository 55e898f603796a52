//! `nvmeroot configure`: writes what the root tree needs.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use nvmeroot_plan::{BootPlan, Reach, Warning, mask};
use nvmeroot_render::{ChangeKind, FileSet, Options, Runtime};
use serde::Serialize;

use crate::args::{ConfigureArgs, ReportFormat, RuntimeArg};
use crate::environment::path_variable;
use crate::generator::{self, Choice};
use crate::identity::Wanted;
use crate::root::{Outcome, RootTree};
use crate::{Failure, agent, diagnose, identity, managers, output, package, sources};

/// libnvme's configuration, which may hold secrets.
const CONFIG_JSON: &str = "etc/nvme/config.json";

/// As much of it as is looked at.
const LONGEST: u64 = 1 << 20;

/// Reads the input, and writes what it means into the root tree.
pub(crate) fn run(args: ConfigureArgs) -> Result<(), Failure> {
    if args.agent.is_some() && args.runtime != RuntimeArg::Agent {
        return Err(Failure::Usage(
            "`--agent` goes with `--runtime agent` only".to_owned(),
        ));
    }
    let wanted = match (&args.hostnqn, args.hostid, &args.host_from) {
        (Some(nqn), Some(id), _) => Wanted::Pair(nqn.clone(), id),
        (_, _, Some(directory)) => Wanted::Copied(directory),
        _ => Wanted::FromTree,
    };
    let from = args.input.resolve(path_variable);
    let Some(root_path) = from.root.clone() else {
        return Err(Failure::Usage(
            "no root tree is given\nhint: pass `--root DIR`; curtin's hooks have it in TARGET_MOUNT_POINT".to_owned(),
        ));
    };
    let root = sources::open_root(&root_path)?;
    if !args.dry_run {
        let name = root_path.display();
        root.lock(|| {
            diagnose::print_note(&format!(
                "another `nvmeroot configure` is at work in `{name}`; waiting for it"
            ));
        })?;
    }
    let host = wanted.pair()?;
    let read = sources::read(&from, Some(&root), host.as_ref())?;
    let runtime = args.runtime.into();
    let mut options = Options {
        runtime,
        agent: None,
        host,
        packaged: package::is_installed(&root)?,
        ..Options::default()
    };
    if options.packaged && args.agent.is_some() {
        return Err(Failure::Usage(
            "the root tree has the package `nvmeroot`, whose agent is used\nhint: leave `--agent` out".to_owned(),
        ));
    }
    let mut initramfs = None;
    let plan = &read.plan;
    if plan.reach == Reach::Initramfs {
        if plan.host.is_none() {
            // Half a pair says so itself.
            identity::of_tree(&root)?;
            return Err(identity::missing());
        }
        // A tree without one gets that of the connections that it was reached by.
        if options.host.is_none() && identity::of_tree(&root)?.is_none() {
            options.host.clone_from(&plan.host);
        }
        let choice = Choice::of(&root, args.initramfs)?;
        options.generator = choice.generator;
        managers::find(&root, plan, &mut options)?;
        initramfs = Some(choice);
        if runtime == Runtime::Agent && !options.packaged {
            let named = args.agent.or_else(|| path_variable("NVMEROOT_AGENT"));
            options.agent = Some(agent::find(named.as_deref(), &root)?);
        }
    }
    diagnose::print_plan_warnings(plan, &read.source_map, runtime);
    let mut of_tree = nvmeroot_render::manager_limits(plan, &options);
    of_tree.extend(initramfs.as_ref().and_then(Choice::warning));
    diagnose::print_warnings(&of_tree, &diagnose::SourceMap::default());
    warn_of_missing_programs(&root, plan, &options)?;
    warn_of_former_files(&root, plan, options.packaged)?;
    warn_of_open_secrets(&root)?;
    let files = nvmeroot_render::render(plan, &options)?;
    let outcomes = if args.dry_run {
        root.preview(&files)?
    } else {
        root.apply(&files)?
    };
    let report = Report {
        packaged: options.packaged,
        network_managers: options.managers.iter().map(|one| one.name()).collect(),
        ..Report::new(plan, &files, &outcomes, args.dry_run, initramfs, &root_path)
    };
    // The work counts for more than that somebody reads of it.
    let told = output::data(&report.text(args.format)?);
    if let (true, Some(choice)) = (args.update_initramfs, &report.initramfs) {
        generator::regenerate(choice.generator, &root_path)?;
    }
    Ok(told?)
}

/// What the files call must be there when they are used.
fn warn_of_missing_programs(
    root: &RootTree,
    plan: &BootPlan,
    options: &Options,
) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for program in nvmeroot_render::required_programs(plan, options.runtime, options.generator) {
        if !generator::is_installed(root, program)? {
            missing.push(program);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|p| format!("`{}`", p.name)).collect();
    let packages: Vec<&str> = missing.iter().map(|p| p.package).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let message = format!(
        "{} {verb} needed and not in the root tree",
        names.join(", ")
    );
    let when = match plan.reach {
        Reach::Initramfs => "before the initramfs is generated",
        _ => "before the machine boots",
    };
    let hint = format!("install there {when}: {}", packages.join(" "));
    diagnose::print_warnings(
        &[Warning::general(message).with_hint(hint)],
        &diagnose::SourceMap::default(),
    );
    Ok(())
}

/// An earlier run with another input may have left boot scripts that would go
/// on connecting. They may have been edited since, so this only says so.
fn warn_of_former_files(root: &RootTree, plan: &BootPlan, packaged: bool) -> Result<(), Failure> {
    if plan.reach == Reach::Initramfs {
        return Ok(());
    }
    let mut left = managers::drop_ins(root)?;
    for change in &nvmeroot_render::left_over(packaged)? {
        if root.exists(change.path.as_str())? {
            left.push(change.path.to_string());
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the root tree still has files of an earlier `configure`, and reach `{}` needs none of them",
        plan.reach
    );
    let left = left.join("`, `");
    let hint = format!("remove `{left}`, then regenerate the initramfs");
    let warning = Warning::general(message).with_hint(hint);
    diagnose::print_warnings(&[warning], &diagnose::SourceMap::default());
    Ok(())
}

/// libnvme's own file is the administrator's: its mode is not ours to change.
fn warn_of_open_secrets(root: &RootTree) -> Result<(), Failure> {
    let Some(mode) = root.mode(CONFIG_JSON)?.filter(|mode| mode & 0o077 != 0) else {
        return Ok(());
    };
    let bytes = root.read(CONFIG_JSON, LONGEST)?.unwrap_or_default();
    if matches!(mask(&String::from_utf8_lossy(&bytes)), Cow::Owned(_)) {
        let message =
            format!("`{CONFIG_JSON}` holds secrets, and its mode {mode:04o} opens it to others");
        let warning = Warning::general(message)
            .with_hint(format!("`chmod 0600 {CONFIG_JSON}` in the root tree"));
        diagnose::print_warnings(&[warning], &diagnose::SourceMap::default());
    }
    Ok(())
}

/// What was done, for people and for programs.
#[derive(Serialize)]
struct Report {
    reach: Reach,
    dry_run: bool,
    /// The agent and what the generators have of it came with the package.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    packaged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    initramfs: Option<Choice>,
    /// Who takes root's network over, as far as the root tree shows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network_managers: Vec<&'static str>,
    files: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct Line {
    path: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<String>,
    why: String,
}

impl Report {
    fn new(
        plan: &BootPlan,
        files: &FileSet,
        outcomes: &[Outcome],
        dry_run: bool,
        initramfs: Option<Choice>,
        root: &Path,
    ) -> Self {
        let lines = files
            .into_iter()
            .zip(outcomes)
            // That nothing is where nothing should be is no news.
            .filter(|(change, outcome)| {
                **outcome != Outcome::Unchanged
                    || matches!(
                        change.kind,
                        ChangeKind::File { .. } | ChangeKind::Symlink { .. }
                    )
            })
            .map(|(change, outcome)| Line {
                path: change.path.to_string(),
                outcome: match outcome {
                    Outcome::Created => "created",
                    Outcome::Replaced => "replaced",
                    Outcome::ModeSet => "mode set",
                    Outcome::Unchanged => "unchanged",
                    Outcome::MovedAside(_) => "moved aside",
                    Outcome::Removed => "removed",
                },
                moved_to: match outcome {
                    Outcome::MovedAside(to) => Some(to.to_string()),
                    _ => None,
                },
                why: change.why.to_string(),
            })
            .collect();
        let next = initramfs
            .as_ref()
            .map(|choice| generator::next_command(choice.generator, root));
        Self {
            reach: plan.reach,
            dry_run,
            initramfs,
            packaged: false,
            network_managers: Vec::new(),
            files: lines,
            next,
        }
    }

    fn text(&self, format: ReportFormat) -> Result<String, Failure> {
        if format == ReportFormat::Json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        let mut text = format!("reach: {}\n", self.reach);
        if let Some(choice) = &self.initramfs {
            let name = choice.generator.name();
            let _ = writeln!(text, "initramfs: {name} ({})", choice.why);
        }
        if !self.network_managers.is_empty() {
            let names = self.network_managers.join(", ");
            let _ = writeln!(text, "network: taken over by {names}");
        }
        if self.packaged && self.initramfs.is_some() {
            text.push_str("agent: of the package `nvmeroot` in the root tree\n");
        }
        let would = if self.dry_run { "would be " } else { "" };
        for line in &self.files {
            let (outcome, path) = (line.outcome, &line.path);
            let moved = line.moved_to.as_ref().map(|to| format!(" → {to}"));
            let moved = moved.unwrap_or_default();
            let _ = writeln!(text, "  {would}{outcome}: {path}{moved}  ({})", line.why);
        }
        match self.reach {
            Reach::Local => text.push_str("nothing is remote: there is nothing to configure\n"),
            Reach::Userspace => {
                text.push_str("nvme-stas connects the controllers once the system runs\n");
            }
            Reach::Initramfs | Reach::Firmware => {}
        }
        if let (Some(next), false) = (&self.next, self.dry_run) {
            let _ = writeln!(text, "next: {next}");
        }
        Ok(text)
    }
}
