//! dracut's own settings (dracut.conf(5)): nvmeroot's module is not left out.

use std::collections::BTreeMap;

use nvmeroot_render::Generator;

use super::entries::shell_value;
use super::finding::{Finding, Topic};
use super::subject::Subject;

/// Directories of settings.
const DIRECTORIES: [&str; 2] = ["etc/dracut.conf.d", "usr/lib/dracut/dracut.conf.d"];

pub(crate) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if subject.options.generator != Generator::Dracut {
        return;
    }
    // By name; of two with one name the first directory's counts.
    let mut by_name = BTreeMap::new();
    for directory in DIRECTORIES {
        let names = subject.list(directory).into_iter();
        for name in names.filter(|name| name.ends_with(".conf")) {
            let file = format!("{directory}/{name}");
            by_name.entry(name).or_insert(file);
        }
    }
    let mut left_out = Vec::new();
    for file in std::iter::once("etc/dracut.conf".to_owned()).chain(by_name.into_values()) {
        let text = subject.text(&file).unwrap_or_default();
        for (number, line) in (1..).zip(text.lines()) {
            let Some(omitted) = Omitted::parse(line) else {
                continue;
            };
            if omitted.is_instead {
                left_out.clear();
            }
            if omitted.modules.iter().any(|one| one == "nvmeroot") {
                left_out.push(format!("{file}:{number}"));
            }
        }
    }
    findings.extend(left_out.into_iter().map(|place| {
        let what = format!("`{place}` has dracut leave the module `nvmeroot` out");
        Finding::fault(Topic::LeftOut, what)
            .because("no image that is made by that connects the drives")
            .mend(format!(
                "take the word away there, then {}",
                subject.regenerate()
            ))
    }));
}

/// `omit_dracutmodules+=" a b "`.
#[derive(Debug, PartialEq, Eq)]
struct Omitted {
    modules: Vec<String>,
    /// Of what was said before nothing counts any more: it is `=`.
    is_instead: bool,
}

impl Omitted {
    fn parse(line: &str) -> Option<Self> {
        let rest = line.trim_start().strip_prefix("omit_dracutmodules")?;
        let more = rest.strip_prefix("+=");
        let value = shell_value(more.or_else(|| rest.strip_prefix('='))?);
        let modules = value.split_whitespace().map(str::to_owned).collect();
        let is_instead = more.is_none();
        Some(Self {
            modules,
            is_instead,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_left_out_by_their_names() {
        for (line, modules, is_instead) in [
            (
                "omit_dracutmodules+=\" nvmeroot \"",
                &["nvmeroot"][..],
                false,
            ),
            (
                "  omit_dracutmodules='nvmf nvmeroot'",
                &["nvmf", "nvmeroot"],
                true,
            ),
            ("omit_dracutmodules+=nvmeroot", &["nvmeroot"], false),
            (
                "omit_dracutmodules+=\" nvmf \" # nvmeroot",
                &["nvmf"],
                false,
            ),
            ("omit_dracutmodules=", &[], true),
        ] {
            let omitted = Omitted::parse(line).expect(line);
            assert_eq!(
                (&omitted.modules[..], omitted.is_instead),
                (
                    &modules
                        .iter()
                        .map(|&one| one.to_owned())
                        .collect::<Vec<_>>()[..],
                    is_instead
                )
            );
        }
        for other in [
            "#omit_dracutmodules+=\" nvmeroot \"",
            "add_dracutmodules+=\" nvmeroot \"",
        ] {
            assert_eq!(Omitted::parse(other), None, "{other}");
        }
    }
}
