//! The static program nvmeroot-agent.
//!
//! It is started in the background while devices are still being found, and
//! waited for before root is mounted; while root's device is missing it is
//! started again; at the end it is stopped. The scripts are the same for every
//! plan: all that depends on the plan is in the plan's own JSON form.

use nvmeroot_plan::{BootPlan, Document, Fragment, Scope, telling_secrets};

use crate::payload::{BootScript, InitrdUnit, Moment, Payload};
use crate::{ChangeKind, FileSet, Mode, RenderError, TreePath};

/// Where the program is, in the root tree and in the initramfs, relative to
/// the top.
pub const AGENT_PATH: &str = "usr/lib/nvmeroot/nvmeroot-agent";

/// What the agent is to do: the plan's JSON form.
pub const PLAN_PATH: &str = "etc/nvmeroot/plan.json";

const PROGRAM: TreePath = TreePath::fixed(AGENT_PATH);
const PLAN: TreePath = TreePath::fixed(PLAN_PATH);
const PATHS: TreePath = TreePath::fixed("etc/systemd/system/nvmeroot-paths.service");
const PATHS_WANTED: TreePath =
    TreePath::fixed("etc/systemd/system/multi-user.target.wants/nvmeroot-paths.service");

/// Its part of the initramfs.
pub(crate) const PAYLOAD: Payload = Payload {
    name: "nvmeroot",
    why: "puts the agent, its plan and kernel modules into the initramfs",
    // The program is static: it needs no library.
    files: &[AGENT_PATH, PLAN_PATH],
    wanted: PLAN_PATH,
    modules: TreePath::fixed("etc/nvmeroot/modules"),
    programs: include_str!("agent/reads.sh"),
    scripts: &[
        BootScript {
            moment: Moment::DevicesAppear,
            why: "starts the agent while devices are still being found",
            after_splash: false,
            text: include_str!("agent/start.sh"),
        },
        BootScript {
            moment: Moment::BeforeMount,
            why: "waits for the agent before anything is put together from root's drives",
            after_splash: true,
            text: include_str!("agent/wait.sh"),
        },
        BootScript {
            moment: Moment::RootMissing,
            why: "starts the agent again while the root filesystem's device is missing",
            after_splash: false,
            text: include_str!("agent/retry.sh"),
        },
        BootScript {
            moment: Moment::BeforeSwitch,
            why: "ends the agent and leaves the network as it is",
            after_splash: false,
            text: include_str!("agent/end.sh"),
        },
    ],
    units: &[
        InitrdUnit {
            name: "nvmeroot.service",
            why: "runs the agent in the initramfs",
            text: include_str!("agent/nvmeroot.service"),
        },
        InitrdUnit {
            name: "nvmeroot-wait.service",
            why: "waits for the agent before anything is put together from root's drives",
            text: include_str!("agent/nvmeroot-wait.service"),
        },
    ],
};

/// Adds the files. `fragments`: what the plan was made of. `program`: the agent's bytes; `None`: a package has brought it.
pub(crate) fn add(
    plan: &BootPlan,
    fragments: &[Fragment],
    program: Option<&[u8]>,
    set: &mut FileSet,
) -> Result<(), RenderError> {
    if let Some(program) = program {
        let why = "brings the network up and connects the controllers";
        let (mode, bytes) = (Mode::Program, program.to_vec());
        set.push(PROGRAM, why, ChangeKind::File { mode, bytes });
    }
    let why = "says what the agent is to do";
    set.file(PLAN, Mode::Private, why, document(plan, fragments)?);
    let why = "connects in the running system what the boot did without";
    let text = include_str!("agent/paths.service").to_owned();
    set.file(PATHS, Mode::Config, why, text);
    let why = "starts that with the system";
    set.link(PATHS_WANTED, why, "../nvmeroot-paths.service");
    Ok(())
}

/// Takes away what makes the agent run. The program itself stays: it may have
/// come with a package, and nothing starts it any more.
pub(crate) fn remove(why: &'static str, set: &mut FileSet) {
    set.absent([PATHS_WANTED, PATHS, PLAN], why);
}

fn document(plan: &BootPlan, fragments: &[Fragment]) -> Result<String, RenderError> {
    let document = Document::new(plan.clone(), Scope::Path).made_of(fragments);
    // The file is for the administrator alone (`Mode::Private`).
    let mut text = telling_secrets(|| serde_json::to_string_pretty(&document))
        .map_err(|e| RenderError::Json { why: e.to_string() })?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod shell_tests;
#[cfg(test)]
mod tests;
