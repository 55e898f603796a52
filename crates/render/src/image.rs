//! What an image must have inside, so that a runtime runs there.

use crate::generator::{dracut, initramfs_tools};
use crate::payload::Owner;
use crate::runtime::{agent, scripts};
use crate::{Generator, RenderError, Runtime, TreePath};

/// Something that an image must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePart {
    /// Its path in the image, relative to the top.
    pub path: String,
    /// The file of the root tree that it is a copy of; `None`: a symbolic link.
    pub copy_of: Option<TreePath>,
    /// What the runtime needs it for.
    pub role: ImageRole,
}

/// What a part of an image is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageRole {
    /// The agent.
    Agent,
    /// What it is to do.
    Plan,
    /// What the scripts runtime consists of, and what it reads.
    Script,
    /// What starts all that, and ends it.
    Starter,
}

/// What an image must have of a runtime. `packaged`: the root tree has the package.
/// `by_systemd`: systemd runs the image, not scripts of its generator.
///
/// # Errors
/// None that a path known beforehand could cause.
pub fn image_parts(
    runtime: Runtime,
    generator: Generator,
    packaged: bool,
    by_systemd: bool,
) -> Result<Vec<ImagePart>, RenderError> {
    let payload = match runtime {
        Runtime::Agent => &agent::PAYLOAD,
        Runtime::Scripts => &scripts::PAYLOAD,
    };
    let owner = match packaged && runtime == Runtime::Agent {
        true => Owner::Package,
        false => Owner::Machine,
    };
    let mut parts = Vec::new();
    for path in payload.files {
        let role = match *path {
            agent::AGENT_PATH => ImageRole::Agent,
            agent::PLAN_PATH => ImageRole::Plan,
            _ => ImageRole::Script,
        };
        parts.push(ImagePart {
            path: (*path).to_owned(),
            copy_of: Some(path.parse()?),
            role,
        });
    }
    let starters = match generator {
        Generator::InitramfsTools => initramfs_tools::inside(payload, owner)?,
        Generator::Dracut => dracut::inside(payload, by_systemd)?,
    };
    parts.extend(starters.into_iter().map(|(path, copy_of)| ImagePart {
        path,
        copy_of,
        role: ImageRole::Starter,
    }));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(generator: Generator, packaged: bool, by_systemd: bool) -> Vec<String> {
        let parts = image_parts(Runtime::Agent, generator, packaged, by_systemd).expect("paths");
        let show = |part: ImagePart| match part.copy_of {
            Some(from) if from.as_str() == part.path => part.path,
            Some(from) => format!("{} < {from}", part.path),
            None => format!("{} ->", part.path),
        };
        parts.into_iter().map(show).collect()
    }

    #[test]
    fn each_generator_has_its_own_starters() {
        let by_scripts = parts(Generator::InitramfsTools, false, false);
        assert_eq!(
            by_scripts,
            [
                "usr/lib/nvmeroot/nvmeroot-agent",
                "etc/nvmeroot/plan.json",
                "scripts/init-top/nvmeroot < etc/initramfs-tools/scripts/init-top/nvmeroot",
                "scripts/init-premount/nvmeroot < etc/initramfs-tools/scripts/init-premount/nvmeroot",
                "scripts/local-block/nvmeroot < etc/initramfs-tools/scripts/local-block/nvmeroot",
                "scripts/init-bottom/nvmeroot < etc/initramfs-tools/scripts/init-bottom/nvmeroot",
            ]
        );
        let of_package = parts(Generator::InitramfsTools, true, false);
        assert_eq!(
            of_package[2],
            "scripts/init-top/nvmeroot < usr/share/initramfs-tools/scripts/init-top/nvmeroot"
        );
        let module = "usr/lib/dracut/modules.d/90nvmeroot";
        assert_eq!(
            parts(Generator::Dracut, false, true)[2..],
            [
                format!("usr/lib/systemd/system/nvmeroot.service < {module}/nvmeroot.service"),
                "etc/systemd/system/initrd.target.wants/nvmeroot.service ->".to_owned(),
                format!(
                    "usr/lib/systemd/system/nvmeroot-wait.service < {module}/nvmeroot-wait.service"
                ),
                "etc/systemd/system/initrd.target.wants/nvmeroot-wait.service ->".to_owned(),
            ]
        );
        assert_eq!(
            parts(Generator::Dracut, false, false)[2..],
            ["pre-trigger", "initqueue", "cleanup"]
                .map(|hook| format!("usr/lib/nvmeroot/boot/{hook} < {module}/{hook}.sh"))
        );
    }
}
