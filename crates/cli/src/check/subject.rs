//! The tree that is checked, with what all checks ask about it.

use std::path::Path;

use nvmeroot_plan::{BootPlan, Fragment};
use nvmeroot_render::{AGENT_PATH, ImageRole, Options, PLAN_PATH, Runtime, image_parts};

use super::machine::Machine;
use crate::args::GeneratorArg;
use crate::generator::{self, Choice, OF_SCRIPTS};
use crate::root::RootTree;
use crate::{Failure, managers, package};

/// The agent is a few megabytes.
const LONGEST: u64 = 64 << 20;

/// The tree that is checked.
pub(crate) struct Subject<'a> {
    pub(crate) root: &'a RootTree,
    pub(crate) root_path: &'a Path,
    pub(crate) plan: &'a BootPlan,
    pub(crate) options: Options,
    pub(crate) choice: Choice,
    /// What to type to configure the tree, in backticks.
    pub(crate) configure: String,
    pub(crate) machine: Machine<'a>,
}

impl<'a> Subject<'a> {
    /// `fragments`: what the agent makes the plan of again. `configure`: what to type to
    /// configure the tree, in backticks.
    pub(crate) fn new(
        root: &'a RootTree,
        root_path: &'a Path,
        (plan, fragments): (&'a BootPlan, Vec<Fragment>),
        configure: String,
    ) -> Result<Self, Failure> {
        // curtin's own scripts lie at the same place.
        let by_scripts = !root.exists(PLAN_PATH)? && root.is_marked(&OF_SCRIPTS.parse()?)?;
        let mut options = Options {
            runtime: match by_scripts {
                true => Runtime::Scripts,
                false => Runtime::Agent,
            },
            packaged: package::is_installed(root)?,
            fragments,
            ..Options::default()
        };
        let mut choice = Choice::of(root, GeneratorArg::Auto)?;
        if choice.is_guess {
            // What was decided when it was configured.
            let decided = [
                (
                    GeneratorArg::InitramfsTools,
                    "etc/initramfs-tools/hooks/nvmeroot",
                ),
                (GeneratorArg::Dracut, "etc/dracut.conf.d/nvmeroot.conf"),
            ];
            for (generator, sign) in decided {
                if root.exists(sign)? {
                    choice = Choice::of(root, generator)?;
                }
            }
        }
        options.generator = choice.generator;
        managers::find(root, plan, &mut options)?;
        if options.runtime == Runtime::Agent && !options.packaged {
            options.agent = Some(root.read(AGENT_PATH, LONGEST)?.unwrap_or_default());
        }
        Ok(Self {
            root,
            root_path,
            plan,
            options,
            choice,
            configure,
            machine: Machine::new(root, root_path),
        })
    }

    /// What to type to make the images anew, in backticks.
    pub(crate) fn regenerate(&self) -> String {
        let command = generator::next_command(self.choice.generator, self.root_path);
        format!("`{command}`")
    }

    /// A file of the tree, whole; `None` where none is or it can't be read, which other
    /// checks find.
    pub(crate) fn read(&self, path: &str) -> Option<Vec<u8>> {
        let bytes = self.root.read(path, LONGEST).ok().flatten()?;
        (bytes.len() as u64 <= LONGEST).then_some(bytes)
    }

    /// A file as text.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        self.read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names in a directory; none where it can't be read.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        self.root.list(path).unwrap_or_default()
    }

    /// What goes into the initramfs holds a secret.
    pub(crate) fn has_secret(&self) -> bool {
        let options = self.plan.controllers.iter().map(|one| &one.options);
        let known = self.plan.known_ports.iter().map(|one| &one.options);
        options
            .chain(known)
            .any(|o| o.dhchap_secret.is_some() || o.dhchap_ctrl_secret.is_some())
            || self.options.fragments.iter().any(Fragment::has_secret)
    }

    /// What an image must have of the runtime, by its path in the image, the path of the
    /// file that it is a copy of, and what for.
    pub(crate) fn parts(
        &self,
        by_systemd: bool,
    ) -> Result<Vec<(String, Option<String>, ImageRole)>, Failure> {
        let options = &self.options;
        let parts = image_parts(
            options.runtime,
            options.generator,
            options.packaged,
            by_systemd,
        )?;
        let parts = parts.into_iter();
        Ok(parts
            .map(|part| {
                (
                    part.path,
                    part.copy_of.map(|path| path.to_string()),
                    part.role,
                )
            })
            .collect())
    }
}
