//! dracut's own settings (dracut.conf(5)): nvmeroot's module is not left out.

use nvmeroot_render::Generator;

use super::finding::{Finding, Topic};
use super::subject::Subject;

/// Directories of settings.
const DIRECTORIES: [&str; 2] = ["etc/dracut.conf.d", "usr/lib/dracut/dracut.conf.d"];

pub(crate) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if subject.options.generator != Generator::Dracut {
        return;
    }
    let mut files = vec!["etc/dracut.conf".to_owned()];
    for directory in DIRECTORIES {
        let names = subject.list(directory).into_iter();
        let names = names.filter(|name| name.ends_with(".conf"));
        files.extend(names.map(|name| format!("{directory}/{name}")));
    }
    for file in files {
        let text = subject.text(&file).unwrap_or_default();
        for (number, line) in (1..).zip(text.lines()) {
            if leaves_out(line, "nvmeroot") {
                let what = format!("`{file}:{number}` has dracut leave the module `nvmeroot` out");
                findings.push(
                    Finding::fault(Topic::LeftOut, what)
                        .because("no image that is made by that connects the drives")
                        .mend(format!(
                            "take the word away there, then {}",
                            subject.regenerate()
                        )),
                );
            }
        }
    }
}

/// The line adds the module to those that are left out: `omit_dracutmodules+=" a b "`.
fn leaves_out(line: &str, module: &str) -> bool {
    let value = line.trim_start().strip_prefix("omit_dracutmodules");
    let value = value.map(|rest| rest.strip_prefix('+').unwrap_or(rest));
    let Some(value) = value.and_then(|rest| rest.strip_prefix('=')) else {
        return false;
    };
    let value = value.split('#').next().unwrap_or_default();
    let mut words = value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    words.any(|word| word == module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_left_out_by_its_name() {
        for (line, is_left_out) in [
            ("omit_dracutmodules+=\" nvmeroot \"", true),
            ("  omit_dracutmodules='nvmf nvmeroot'", true),
            ("omit_dracutmodules+=nvmeroot", true),
            ("#omit_dracutmodules+=\" nvmeroot \"", false),
            ("omit_dracutmodules+=\" nvmf \" # nvmeroot", false),
            ("omit_dracutmodules+=\" nvmeroot2 \"", false),
            ("add_dracutmodules+=\" nvmeroot \"", false),
        ] {
            assert_eq!(leaves_out(line, "nvmeroot"), is_left_out, "{line}");
        }
    }
}
