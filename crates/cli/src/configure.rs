//! `nvmeroot configure`: writes what the root tree needs.

use std::fmt::Write as _;

use nvmeroot_plan::{BootPlan, Fragment, Reach, Warning};
use nvmeroot_render::{IDENTITY, Options, RenderError, Runtime};
use serde::Serialize;

use crate::args::{ConfigureArgs, ReportFormat, RuntimeArg};
use crate::changes::FileLine;
use crate::diagnose::{self, Told};
use crate::environment::path_variable;
use crate::generator::{self, Choice};
use crate::identity::Wanted;
use crate::root::{self, Terms};
use crate::{
    Failure, advice, agent, changes, identity, managers, output, package, sources, unknown, ways,
};

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
        changes::lock(&root, &root_path)?;
    }
    // Whether anybody needs it, the plan tells.
    let (host, no_host) = match wanted.pair() {
        Ok(host) => (host, None),
        Err(why) => (None, Some(why)),
    };
    let read = sources::read(&from, Some(&root), host.as_ref())?;
    let runtime = args.runtime.into();
    let mut options = Options {
        runtime,
        agent: None,
        host,
        packaged: package::is_installed(&root)?,
        fragments: for_boot(read.fragments.clone(), &read.plan),
        ..Options::default()
    };
    if options.packaged && args.agent.is_some() {
        return Err(Failure::Usage(
            "the root tree has the package `nvmeroot`, whose agent is used\nhint: leave `--agent` out".to_owned(),
        ));
    }
    let mut initramfs = None;
    let plan = &read.plan;
    if let Some(why) = no_host.filter(|_| plan.reach != Reach::Local) {
        return Err(why);
    }
    if (plan.reach, runtime) == (Reach::Firmware, Runtime::Scripts) {
        return Err(RenderError::NeedsAgent.into());
    }
    if plan.reach.is_by_initramfs() {
        if plan.host.is_none() {
            // Half a pair says so itself.
            identity::of_tree(&root)?;
            match plan.reach {
                Reach::Firmware => diagnose::print_note(identity::IN_THE_TABLE),
                _ => return Err(identity::missing()),
            }
        }
        // A tree without one gets that of the connections that it was reached by; where
        // the firmware's table has it, it may be for another machine.
        let is_open = plan.reach == Reach::Initramfs && options.host.is_none();
        if is_open && identity::of_tree(&root)?.is_none() {
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
    let mut told = Told::default();
    told.warn(diagnose::warnings_of_plan(plan, runtime), &read.source_map);
    if !args.force {
        unknown::refuse_to_undo(&root, &read)?;
    }
    told.warn_of_tree(nvmeroot_render::manager_limits(plan, &options));
    told.warn_of_tree(initramfs.as_ref().and_then(Choice::warning));
    told.warn_of_tree(advice::missing_programs(&root, plan, &options)?);
    told.warn_of_tree(advice::open_secrets(&root)?);
    let mut files = nvmeroot_render::render(plan, &options)?;
    let recovered = changes::recover(&root, args.dry_run)?;
    if !plan.reach.is_by_initramfs() {
        let former = nvmeroot_render::left_over(options.packaged, &managers::drop_ins(&root)?)?;
        let former = root.without_record(&former)?;
        let all = former.changes().iter().chain(files.changes());
        files = all.cloned().collect();
    }
    let terms = Terms {
        force: args.force,
        // What was read as the tree's own identity is not to change by that.
        stay: &IDENTITY,
        of_package: &package::paths(&root)?,
        may_be_read_only: args.dry_run,
        tell: &changes::tell_moved,
    };
    let done = changes::make(&root, recovered, &files, &terms)?;
    told.warn_of_tree(changes::obstacle(&done));
    let left = |line: &root::Line| generator::is_read(line.path.as_str());
    if initramfs.is_none() && (done.is_finished() || done.lines.iter().any(left)) {
        let paths = done.lines.iter().map(|line| line.path.as_str());
        let choice = Choice::of_former(&root, args.initramfs, paths)?;
        told.warn_of_tree(choice.warning());
        initramfs = Some(choice);
    }
    let next = generator::left_to_run(initramfs.as_ref(), args.update_initramfs, &root_path);
    let report = Report {
        reach: plan.reach,
        ways: ways::lines(plan),
        dry_run: args.dry_run,
        warnings: told.warnings,
        initramfs,
        packaged: options.packaged,
        network_managers: options.managers.iter().map(|one| one.name()).collect(),
        files: done.lines.into_iter().map(FileLine::from).collect(),
        directories: done.directories.iter().map(ToString::to_string).collect(),
        next,
    };
    // The work counts for more than that somebody reads of it.
    let said = output::data(&report.text(args.format)?);
    if let (true, Some(choice)) = (args.update_initramfs, &report.initramfs) {
        generator::regenerate(choice.generator, &root, &root_path)?;
    }
    Ok(said?)
}

/// What the agent makes the plan of again.
pub(crate) fn for_boot(fragments: Vec<Fragment>, plan: &BootPlan) -> Vec<Fragment> {
    // At each boot the firmware's table says which host it is.
    let host = plan.host.as_ref().filter(|_| plan.reach != Reach::Firmware);
    let fragments = fragments.into_iter();
    fragments.map(|one| one.for_boot(host)).collect()
}

/// What was done, for people and for programs.
#[derive(Serialize)]
struct Report {
    reach: Reach,
    /// What stands in the way of a boot by this plan.
    #[serde(skip)]
    ways: String,
    dry_run: bool,
    /// As on standard error.
    warnings: Vec<Warning>,
    /// The agent and what the generators have of it came with the package.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    packaged: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    initramfs: Option<Choice>,
    /// Who takes root's network over, as far as the root tree shows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network_managers: Vec<&'static str>,
    files: Vec<FileLine>,
    /// Directories that were removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    directories: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Report {
    fn text(&self, format: ReportFormat) -> Result<String, Failure> {
        if format == ReportFormat::Json {
            return Ok(serde_json::to_string_pretty(self)? + "\n");
        }
        let mut text = format!("reach: {}\n{}", self.reach, self.ways);
        if let Some(choice) = &self.initramfs {
            text.push_str(&choice.line());
        }
        if !self.network_managers.is_empty() {
            let names = self.network_managers.join(", ");
            let _ = writeln!(text, "network: taken over by {names}");
        }
        if self.packaged && self.initramfs.is_some() {
            text.push_str("agent: of the package `nvmeroot` in the root tree\n");
        }
        changes::write(&mut text, &self.files, &self.directories, self.dry_run);
        match self.reach {
            Reach::Local => text.push_str("nothing is remote: there is nothing to configure\n"),
            Reach::Userspace => {
                text.push_str("nvme-stas connects the controllers once the system runs\n");
            }
            Reach::Initramfs => {}
            Reach::Firmware => text.push_str(
                "the firmware's table (NBFT) says at each boot which network and drive it is\n",
            ),
        }
        changes::write_next(&mut text, self.next.as_deref(), self.dry_run);
        Ok(text)
    }
}
