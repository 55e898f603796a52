//! What is in an image: the agent, its plan, and what starts it.

use std::io::{Read, Seek};

use nvmeroot_initrd::{Image, InitrdError, Limits, open_initrd};
use nvmeroot_render::{Generator, ImageRole};

use super::finding::{Finding, Topic};
use super::subject::Subject;
use crate::Failure;

/// What else of an image is read, at whatever depth.
const INDEXES: [&str; 3] = ["modules.builtin", "modules.dep", "modules.alias"];

/// dracut's list of what it has put in.
const MODULES: &str = "usr/lib/dracut/modules.txt";

/// The pair, where a generator copies it.
const IDENTITY: [&str; 2] = ["etc/nvme/hostnqn", "etc/nvme/hostid"];

/// An image, and what messages call it.
pub(crate) struct Inside {
    pub(crate) name: String,
    pub(crate) image: Image,
}

impl Inside {
    /// Opens an image, or says why not.
    pub(crate) fn read(
        subject: &Subject<'_>,
        name: &str,
        file: impl Read + Seek,
    ) -> Result<Result<Self, Box<Finding>>, Failure> {
        let mut wanted: Vec<String> = vec![MODULES.to_owned()];
        wanted.extend(IDENTITY.map(str::to_owned));
        for by_systemd in [true, false] {
            let parts = subject.parts(by_systemd)?.into_iter();
            wanted.extend(parts.map(|(path, _, _)| path));
        }
        let mut keep = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            INDEXES.contains(&name) || name == "ORDER" || wanted.iter().any(|one| one == path)
        };
        let read = open_initrd(file)
            .and_then(|mut initrd| Image::read(&mut initrd, &Limits::default(), &mut keep));
        Ok(match read {
            Ok(image) => Ok(Self {
                name: name.to_owned(),
                image,
            }),
            Err(error) => Err(Box::new(unreadable(subject, name, &error))),
        })
    }

    /// The content of a file.
    pub(crate) fn content(&self, path: &str) -> Option<&[u8]> {
        self.image.file(path)?.content.as_deref()
    }

    /// A text of the image.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let bytes = self.content(path)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Whether systemd runs it.
    fn is_by_systemd(&self) -> bool {
        self.image.get("usr/lib/systemd/systemd").is_some()
            || self.image.get("lib/systemd/systemd").is_some()
    }
}

fn unreadable(subject: &Subject<'_>, name: &str, error: &InitrdError) -> Finding {
    let what = format!("`{name}` can't be read as an initramfs: {error}");
    let unread = |what, mend| {
        Finding::warning(Topic::InitrdUnread, what)
            .because("nobody knows what is in it")
            .mend(format!("{mend}, then {}", subject.regenerate()))
    };
    match error {
        InitrdError::Unsupported { .. } | InitrdError::Window { .. } => {
            unread(what, "have it compressed with zstd at its usual level")
        }
        InitrdError::TooMuch { .. } => unread(what, "have less put into it"),
        _ => Finding::fault(Topic::InitrdBroken, what)
            .because("the kernel unpacks nothing of it, or a part")
            .mend(format!(
                "see that its filesystem has room, then {}",
                subject.regenerate()
            )),
    }
}

/// Compares what the image has of the runtime with the tree.
pub(crate) fn check(
    subject: &Subject<'_>,
    inside: &Inside,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let name = &inside.name;
    let mend = subject.regenerate();
    let by_systemd = subject.options.generator == Generator::Dracut && inside.is_by_systemd();
    let mut own = Vec::new();
    for (path, copy_of, role) in subject.parts(by_systemd)? {
        let Some(source) = copy_of else {
            if !inside.image.nodes().any(|(there, _)| there == path) {
                let what = format!("`{name}` has no link `{path}`");
                own.push(missing(role, what));
            }
            continue;
        };
        // The tree lacks it: that is said of the tree.
        let Some(of_tree) = subject.read(&source) else {
            continue;
        };
        let Some(file) = inside.image.file(&path) else {
            let what = match role {
                ImageRole::Agent => format!("`{name}` has no agent"),
                ImageRole::Plan => format!("`{name}` has no plan"),
                _ => format!("`{name}` has no `{path}`"),
            };
            own.push(missing(role, what));
            continue;
        };
        let is_same = match &file.content {
            Some(content) => *content == of_tree,
            None => file.size == of_tree.len() as u64,
        };
        if !is_same {
            own.push(other(role, name, &path));
        } else if role != ImageRole::Plan && file.mode & 0o111 == 0 && is_program(&of_tree) {
            let what = format!("`{path}` in `{name}` may not be executed");
            own.push(missing(role, what));
        }
        if role == ImageRole::Starter
            && let Some(order) = path.strip_suffix("/nvmeroot")
            && let Some(text) = inside.text(&format!("{order}/ORDER"))
            && !text.contains(&format!("/{path}"))
        {
            let what = format!("`{order}/ORDER` in `{name}` does not name `{path}`");
            own.push(missing(role, what));
        }
    }
    // One reason is enough: without a plan all that is there is of another time.
    let is_bare = own.iter().any(|one| one.topic == Topic::AgentMissing)
        && own.iter().any(|one| one.topic == Topic::PlanMissing);
    if is_bare {
        let keep = |one: &Finding| matches!(one.topic, Topic::AgentMissing);
        own.retain(keep);
        for one in &mut own {
            one.what = format!("`{name}` has nothing of nvmeroot");
        }
    }
    findings.extend(own.into_iter().map(|one| one.mend(&mend)));
    identity(subject, inside, findings);
    others(subject, inside, findings);
    Ok(())
}

fn is_program(bytes: &[u8]) -> bool {
    bytes.starts_with(b"#!") || bytes.starts_with(b"\x7fELF")
}

fn missing(role: ImageRole, what: String) -> Finding {
    let (topic, why) = match role {
        ImageRole::Agent => (
            Topic::AgentMissing,
            "nothing brings root's network up or connects the drives",
        ),
        ImageRole::Plan => (Topic::PlanMissing, "the agent does not know what to do"),
        ImageRole::Starter => (
            Topic::StarterMissing,
            "the agent is not started, waited for or ended at the right moment",
        ),
        _ => (Topic::StarterMissing, "the boot scripts are not complete"),
    };
    Finding::fault(topic, what).because(why)
}

fn other(role: ImageRole, name: &str, path: &str) -> Finding {
    let made = "it was made before the last `configure`, or that was undone";
    match role {
        ImageRole::Agent => {
            let what = format!("the agent in `{name}` is another build than the root tree's");
            Finding::warning(Topic::AgentOther, what).because(made)
        }
        ImageRole::Plan => {
            let what = format!("the plan in `{name}` is not the root tree's");
            Finding::fault(Topic::PlanOld, what).because(format!(
                "{made}: the machine would connect what was configured before"
            ))
        }
        _ => {
            let what = format!("`{path}` in `{name}` is not the root tree's");
            Finding::warning(Topic::StarterOther, what).because(made)
        }
    }
}

/// A pair that a generator has copied must be the plan's.
fn identity(subject: &Subject<'_>, inside: &Inside, findings: &mut Vec<Finding>) {
    let Some(host) = &subject.plan.host else {
        return;
    };
    let planned = [host.nqn.to_string(), host.id.to_string()];
    for (path, planned) in IDENTITY.iter().zip(planned) {
        let Some(found) = inside.text(path) else {
            continue;
        };
        if !found.trim().eq_ignore_ascii_case(&planned) {
            let what = format!(
                "`{path}` in `{}` is `{}`, and the plan has `{planned}`",
                inside.name,
                found.trim()
            );
            findings.push(
                Finding::fault(Topic::IdentityOther, what)
                    .because("initramfs and system would be two hosts to the drives")
                    .mend(subject.regenerate()),
            );
        }
    }
}

/// What in the image does the same work.
fn others(subject: &Subject<'_>, inside: &Inside, findings: &mut Vec<Finding>) {
    let Some(modules) = inside.text(MODULES) else {
        return;
    };
    let has = |name: &str| modules.lines().any(|line| line.trim() == name);
    let leave_out = |name: &str| {
        format!(
            "put `omit_dracutmodules+=\" {name} \"` into a file of `/etc/dracut.conf.d`, then {}",
            subject.regenerate()
        )
    };
    if has("nvmf") {
        let what = format!("`{}` has dracut's own module `nvmf` too", inside.name);
        findings.push(
            Finding::fault(Topic::OtherConnector, what)
                .because("two programs would set root's links up and connect the same drives")
                .mend(leave_out("nvmf")),
        );
    }
    for name in ["network-legacy", "connman"] {
        if has(name) {
            let what = format!("`{}` has dracut's module `{name}` too", inside.name);
            findings.push(
                Finding::warning(Topic::OtherNetwork, what)
                    .because("it may set root's links up beside the agent")
                    .mend(leave_out(name)),
            );
        }
    }
}
