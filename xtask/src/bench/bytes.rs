//! What each runtime adds to the initial ramdisk.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nvmeroot_lab::scenario::Scenario;
use nvmeroot_lab::{Kind, Lab};

use super::Section;
use super::goal::{Goal, Limit};
use super::hosts::{self, Case, Runtime};
use super::measure::table;
use super::ramdisk::split;

/// Sizes of one initial ramdisk.
struct Sizes {
    /// As the lab makes it: zstd at level 1.
    lab: u64,
    /// The same content, zstd at level 19.
    small: u64,
}

pub(super) fn section(lab: &Lab) -> Result<Section> {
    let plain = sizes(lab, &hosts::plain()?)?;
    let mut rows = vec![vec![
        "untouched, the whole".to_owned(),
        plain.lab.to_string(),
        plain.small.to_string(),
    ]];
    let mut goals = Vec::new();
    for case in [Case::Static, Case::Dhcp] {
        let mut added = Vec::new();
        for runtime in Runtime::BOTH {
            let sizes = sizes(lab, &hosts::host(case, runtime)?)?;
            let more = Sizes {
                lab: sizes.lab.saturating_sub(plain.lab),
                small: sizes.small.saturating_sub(plain.small),
            };
            rows.push(vec![
                format!("{}, {}: added", case.title(), runtime.name()),
                more.lab.to_string(),
                more.small.to_string(),
            ]);
            added.push(more);
        }
        let [scripts, agent] = &added[..] else {
            bail!("a pair has two sides");
        };
        for (level, agent, scripts) in [
            (1, agent.lab, scripts.lab),
            (19, agent.small, scripts.small),
        ] {
            goals.push(Goal {
                what: format!(
                    "{}, bytes added at level {level}: agent / scripts",
                    case.title()
                ),
                limit: Limit::AtMost(0.5),
                measured: agent as f64 / scripts as f64,
            });
        }
    }
    let sizes = table(&["initial ramdisk, bytes", "zstd -1", "zstd -19"], &rows);
    Ok(Section::judged("bytes", &sizes, &goals))
}

fn sizes(lab: &Lab, scenario: &Scenario) -> Result<Sizes> {
    eprintln!("bytes: {}", scenario.name);
    let image = lab.host_image(&scenario.host, Kind::Qemu)?;
    Ok(Sizes {
        lab: image.initrd_bytes()?,
        small: recompressed(&image.initrd)?,
    })
}

/// Size of the same initial ramdisk, compressed at level 19 where it is
/// compressed at all.
fn recompressed(initrd: &Path) -> Result<u64> {
    let bytes = fs::read(initrd).with_context(|| format!("can't read {}", initrd.display()))?;
    let (plain, compressed) = split(&bytes)?;
    let scratch = tempfile::tempdir()?;
    let file = scratch.path().join("compressed");
    fs::write(&file, compressed)?;
    let script = "zstd -q -dc \"$1\" | zstd -q -19 -T0 -c | wc -c";
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-ec", script, "sh"])
        .arg(&file)
        .stderr(Stdio::inherit())
        .output()
        .context("can't run bash")?;
    if !output.status.success() {
        bail!("can't compress {} anew", initrd.display());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let size: u64 = text
        .trim()
        .parse()
        .with_context(|| format!("`wc -c` printed {text:?}"))?;
    Ok(size + plain.len() as u64)
}
