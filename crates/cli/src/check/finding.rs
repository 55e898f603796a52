//! What `check` finds.

use std::fmt;

use nvmeroot_plan::{tidy, tidy_hint};
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// The machine would not boot, or would lose its root.
    Fault,
    /// It boots, and something is not as it should be.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fault => "fault",
            Self::Warning => "warning",
        })
    }
}

/// Declares the findings with their words, which programs know them by and under which
/// docs/guide/check.md explains them.
macro_rules! findings {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Which finding it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub(crate) enum Topic {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Topic {
            /// All of them.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its word.
            pub(crate) const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

findings! {
    /// `configure` has not run.
    NotConfigured = "not-configured",
    /// A run was interrupted.
    Interrupted = "interrupted",
    /// What `plan` warns of.
    Input = "input",
    /// The plan in the tree can't be read.
    PlanBroken = "plan-broken",
    /// The tree was configured for another input.
    PlanOther = "plan-other",
    /// Nothing leads to a controller that root needs.
    NoWay = "no-way",
    /// What a back-end can't carry out.
    Limit = "limit",
    /// A file of `configure`'s is missing.
    FileMissing = "file-missing",
    /// A file of `configure`'s is another.
    FileChanged = "file-changed",
    /// A file is there that `configure` takes away.
    FileLeft = "file-left",
    /// A file with a secret is open to others.
    SecretOpen = "secret-open",
    /// A program is not installed.
    ProgramMissing = "program-missing",
    /// There is no identity, or half of one.
    IdentityMissing = "identity-missing",
    /// Tree and plan have different ones.
    IdentityOther = "identity-other",
    /// There is no kernel.
    KernelMissing = "kernel-missing",
    /// A kernel has no modules in the tree.
    ModulesMissing = "modules-missing",
    /// A kernel has no initramfs.
    InitrdMissing = "initrd-missing",
    /// An initramfs can't be read.
    InitrdBroken = "initrd-broken",
    /// An initramfs can't be looked into.
    InitrdUnread = "initrd-unread",
    /// An initramfs with a secret is open to others.
    InitrdOpen = "initrd-open",
    /// The agent is not in the initramfs.
    AgentMissing = "agent-missing",
    /// Another agent is.
    AgentOther = "agent-other",
    /// The plan is not in the initramfs.
    PlanMissing = "plan-missing",
    /// Another plan is.
    PlanOld = "plan-old",
    /// Nothing starts the runtime.
    StarterMissing = "starter-missing",
    /// Something else does.
    StarterOther = "starter-other",
    /// A kernel module is not in the initramfs.
    ModuleMissing = "module-missing",
    /// No kernel module of a network card is.
    CardDriverMissing = "card-driver-missing",
    /// The index of the modules is not.
    ModuleIndexMissing = "module-index-missing",
    /// A program is not in the initramfs.
    ToolMissing = "tool-missing",
    /// dracut is told to leave nvmeroot out.
    LeftOut = "left-out",
    /// It may be.
    LeftOutUnclear = "left-out-unclear",
    /// What the machine itself would tell can't be read.
    MachineUnread = "machine-unread",
    /// Another program connects, too.
    OtherConnector = "other-connector",
    /// Another program sets links up, too.
    OtherNetwork = "other-network",
    /// `nvmeroot=off`.
    SwitchedOff = "switched-off",
    /// A word for nvmeroot on a kernel command line that means nothing.
    BootOption = "boot-option",
    /// There is no boot entry.
    EntryMissing = "entry-missing",
    /// A part of a boot loader's menu can't be read.
    EntryUnread = "entry-unread",
    /// A boot entry without an initramfs.
    EntryWithoutInitrd = "entry-without-initrd",
    /// A boot entry says no `root=`.
    RootMissing = "root-missing",
    /// `root=` is not what fstab mounts.
    RootOther = "root-other",
    /// `root=` is a name that may change.
    RootUnstable = "root-unstable",
    /// fstab does not mount what the plan says is essential.
    MountMissing = "mount-missing",
    /// No room in `/boot` for another image.
    BootFull = "boot-full",
    /// No route leads to a portal.
    PortalNoRoute = "portal-no-route",
    /// It refuses the connection.
    PortalRefused = "portal-refused",
    /// It does not answer.
    PortalSilent = "portal-silent",
    /// It is something else.
    PortalOther = "portal-other",
    /// It could not be asked to the end.
    PortalUnsure = "portal-unsure",
    /// It does not know the subsystem.
    NqnUnknown = "nqn-unknown",
    /// It does not admit the host.
    HostRefused = "host-refused",
    /// It offers this host nothing.
    NothingOffered = "nothing-offered",
    /// It asks for a secret that the plan lacks.
    SecretMissing = "secret-missing",
    /// It does not take the host's secret.
    SecretWrong = "secret-wrong",
    /// It has no namespace.
    NoNamespace = "no-namespace",
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    #[serde(rename = "finding")]
    pub(crate) topic: Topic,
    /// What was found.
    pub(crate) what: String,
    /// Why that matters.
    pub(crate) why: String,
    /// What to type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mend: Option<String>,
}

impl Finding {
    pub(crate) fn fault(topic: Topic, what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Fault,
            topic,
            what: tidy(what),
            why: String::new(),
            mend: None,
        }
    }

    /// An error, whose own hint counts more than `mend`.
    pub(crate) fn of_error(topic: Topic, error: &str, mend: &str) -> Self {
        let (what, hint) = error.split_once("\nhint: ").unwrap_or((error, mend));
        Self::fault(topic, what).mend(hint)
    }

    pub(crate) fn warning(topic: Topic, what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::fault(topic, what)
        }
    }

    /// Why it matters: a clause.
    #[must_use]
    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = tidy(why);
        self
    }

    /// What to type, or to do.
    #[must_use]
    pub(crate) fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(tidy_hint(command));
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.severity, self.what)?;
        writeln!(f, "  {}", self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_explains_each_finding() {
        let guide = include_str!("../../../../docs/guide/check.md");
        for topic in Topic::ALL {
            let row = format!("| `{}` |", topic.word());
            assert!(guide.contains(&row), "no row begins with {row}");
        }
    }
}
