//! The command line as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nvmeroot_plan::{HostId, Nqn};
use nvmeroot_render::Runtime;

/// Makes a Linux machine boot with its root filesystem on a remote NVMe drive
/// over TCP.
#[derive(Debug, Parser)]
#[command(name = "nvmeroot", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Exit status: 0 done; 1 could not be done, and the root tree is as it was (or all is written, and \
--update-initramfs failed); 2 wrong usage or bad input, nothing written; 129, 130, 143 stopped by a \
signal, and the root tree is as it was. `check` has its own.

Inside curtin's hooks, --curtin and --root default to curtin's own environment \
(CONFIG and TARGET_MOUNT_POINT).";

const AFTER_CHECK: &str = "\
Exit status: 0 no fault was found; 1 a fault was found: it would not boot, or would lose its root; \
2 the question could not be asked.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what the input means, and change nothing
    Plan(PlanArgs),
    /// Write what the root tree needs to boot
    Configure(ConfigureArgs),
    /// Put everything back as it was before the first `configure`
    Revert(RevertArgs),
    /// Say whether the root tree would boot: what is missing, old or in conflict
    #[command(after_help = AFTER_CHECK)]
    Check(CheckArgs),
    /// Show how the firmware reached its boot drive: the boot tables (NBFT) that
    /// it left
    Nbft(NbftArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// curtin's configuration: storage, and the netplan files in write_files.
    /// Without it the root tree says what is mounted, and this machine what that
    /// lies on
    #[arg(long, value_name = "FILE")]
    pub(crate) curtin: Option<PathBuf>,
    /// The tree that holds the installed system; / is the running one
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// A copy of the files of another machine (proc, sys, run) that stands for this one
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) machine: Option<PathBuf>,
}

/// What only the boot knows.
#[derive(Debug, Args)]
pub(crate) struct BootArgs {
    /// Show the plan as it becomes with this boot table of the firmware's (this machine's
    /// are /sys/firmware/acpi/tables/NBFT*)
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) nbft: Vec<PathBuf>,
    /// Show the plan as it becomes with this kernel command line
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) cmdline: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) boot: BootArgs,
    /// text: for people; json: for programs; svg: a drawing of the path;
    /// commands: what the scripts runtime executes, one a line
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: PlanFormat,
    /// Whose steps are shown; with `--format commands` it is the scripts
    #[arg(long, value_enum, default_value = "agent")]
    pub(crate) runtime: RuntimeArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    Text,
    Json,
    Svg,
    Commands,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigureArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The initramfs generator of the root tree
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) initramfs: GeneratorArg,
    /// What runs in the initramfs
    #[arg(long, value_enum, default_value = "agent")]
    pub(crate) runtime: RuntimeArg,
    /// The agent's program. Without it: what NVMEROOT_AGENT names, else the one
    /// beside nvmeroot, in its build tree, or in /usr/lib/nvmeroot
    #[arg(long, value_name = "FILE")]
    pub(crate) agent: Option<PathBuf>,
    /// Write this host NQN into the root tree (with --hostid)
    #[arg(long, value_name = "NQN", requires = "hostid")]
    pub(crate) hostnqn: Option<Nqn>,
    /// Write this host identifier into the root tree (with --hostnqn)
    #[arg(long, value_name = "UUID", requires = "hostnqn")]
    pub(crate) hostid: Option<HostId>,
    /// Carry the pair in DIR/hostnqn and DIR/hostid over to the root tree: an
    /// installer's own is in /etc/nvme
    #[arg(long, value_name = "DIR", conflicts_with = "hostnqn")]
    pub(crate) host_from: Option<PathBuf>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Overwrite files of nvmeroot's that were edited since (the edited file is kept beside
    /// its place); take away what the tree boots by, though what `/` lies on is not known
    #[arg(long)]
    pub(crate) force: bool,
    /// Then regenerate the root tree's initramfs
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) update_initramfs: bool,
    /// text: for people; json: for programs
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct RevertArgs {
    /// The tree that holds the installed system; / is the running one
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take away files of nvmeroot's that were edited since, too, of which the edited one is
    /// kept beside its place, and those of which there is no record
    #[arg(long)]
    pub(crate) force: bool,
    /// Then regenerate the root tree's initramfs
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) update_initramfs: bool,
    /// text: for people; json: for programs
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Look into this initramfs instead of those that the root tree's kernels have
    #[arg(long, value_name = "FILE")]
    pub(crate) initrd: Option<PathBuf>,
    /// Ask the portals, too, as the host of the plan, over this machine's network
    #[arg(long)]
    pub(crate) online: bool,
    /// text: for people; json: for programs
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct NbftArgs {
    /// Tables; this machine's own, if none is named
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// text: for people; json: for programs
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ReportFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GeneratorArg {
    /// What really makes the root tree's initramfs
    Auto,
    /// Debian's up to 13 and Ubuntu's up to 25.04
    InitramfsTools,
    /// Debian's since 14 and Ubuntu's since 25.10
    Dracut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeArg {
    /// The static program nvmeroot-agent
    Agent,
    /// Shell scripts made of ip, dhcpcd and nvme
    Scripts,
}

impl From<RuntimeArg> for Runtime {
    fn from(argument: RuntimeArg) -> Self {
        match argument {
            RuntimeArg::Agent => Self::Agent,
            RuntimeArg::Scripts => Self::Scripts,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Text,
    Json,
}

/// The input after the environment has had its say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) curtin: Option<PathBuf>,
    pub(crate) root: Option<PathBuf>,
    /// Where the files of the running machine are; `None`: where they always are.
    pub(crate) machine: Option<PathBuf>,
}

impl InputArgs {
    /// Fills in curtin's environment. `CONFIG` alone is too common a name to
    /// mean curtin where the user named a root.
    pub(crate) fn resolve(self, variable: impl Fn(&str) -> Option<PathBuf>) -> Input {
        let target = variable("TARGET_MOUNT_POINT");
        let in_curtin = target.is_some() || self.root.is_none();
        Input {
            curtin: self
                .curtin
                .or_else(|| variable("CONFIG").filter(|_| in_curtin)),
            root: self.root.or(target),
            machine: self.machine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(curtin: Option<&str>, root: Option<&str>, env: &[(&str, &str)]) -> Input {
        let args = InputArgs {
            curtin: curtin.map(Into::into),
            root: root.map(Into::into),
            machine: None,
        };
        args.resolve(|name| env.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into()))
    }

    #[test]
    fn curtin_s_environment_fills_the_gaps() {
        let env = [("CONFIG", "/c"), ("TARGET_MOUNT_POINT", "/t")];
        let full = Input {
            curtin: Some("/c".into()),
            root: Some("/t".into()),
            machine: None,
        };
        assert_eq!(resolve(None, None, &env), full);
        assert_eq!(resolve(Some("/x"), None, &env).curtin, Some("/x".into()));
        assert_eq!(resolve(None, Some("/y"), &env).root, Some("/y".into()));
        assert_eq!(resolve(None, Some("/y"), &env[..1]).curtin, None);
        assert_eq!(
            resolve(None, None, &[]),
            Input {
                curtin: None,
                root: None,
                machine: None,
            }
        );
    }

    #[test]
    fn clap_accepts_the_definitions() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
