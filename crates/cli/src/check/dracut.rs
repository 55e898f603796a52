//! dracut's own settings (dracut.conf(5)), which bash reads: nvmeroot's module is not left
//! out.

use nvmeroot_render::Generator;

use super::finding::{Finding, Topic};
use super::shell;
use super::subject::Subject;
use super::version;

/// Directories of settings.
const DIRECTORIES: [&str; 2] = ["etc/dracut.conf.d", "usr/lib/dracut/dracut.conf.d"];

const VARIABLE: &str = "omit_dracutmodules";

/// Commands that have bash read something else.
const READING: [&str; 3] = [".", "source", "eval"];

pub(crate) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if subject.options.generator != Generator::Dracut {
        return;
    }
    // The first of each kind in a file: a script may say thousands of things.
    let mut found: Vec<(String, usize, Said)> = Vec::new();
    for file in std::iter::once("etc/dracut.conf".to_owned()).chain(of_directories(subject)) {
        let text = subject.text(&file).unwrap_or_default();
        for (line, said) in read(&text) {
            if said == Said::Otherwise {
                found.clear();
            } else if !found.iter().any(|one| one.0 == file && one.2 == said) {
                found.push((file.clone(), line, said));
            }
        }
    }
    let regenerate = subject.regenerate();
    findings.extend(found.into_iter().map(|(file, line, said)| match said {
        Said::Unclear => unclear(&format!("{file}:{line}")),
        _ => left_out(&format!("{file}:{line}"), &regenerate),
    }));
}

/// The files of the directories, in the order in which they are read (`dropindirs_sort` in
/// dracut.sh): of names that `sort -Vu` takes for one, the first counts.
fn of_directories(subject: &Subject<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for directory in DIRECTORIES {
        let names = subject.list(directory).into_iter();
        // bash takes a name with white space for several, which are not there.
        let is_read = |name: &String| {
            let is_name = !name.starts_with('.') && !name.contains(char::is_whitespace);
            let exists = |path: &str| subject.root.exists(path).unwrap_or_default();
            name.ends_with(".conf") && is_name && exists(&format!("{directory}/{name}"))
        };
        found.extend(names.filter(is_read).map(|name| (directory, name)));
    }
    found.sort_by(|(_, one), (_, other)| version::compare(one, other));
    found.dedup_by(|(_, later), (_, first)| version::compare(later, first).is_eq());
    let files = found.into_iter();
    files
        .map(|(directory, name)| format!("{directory}/{name}"))
        .collect()
}

fn left_out(place: &str, regenerate: &str) -> Finding {
    let what = format!("`{place}` has dracut leave the module `nvmeroot` out");
    Finding::fault(Topic::LeftOut, what)
        .because("no image that is made by that connects the drives")
        .mend(format!("take the word away there, then {regenerate}"))
}

fn unclear(place: &str) -> Finding {
    let what = format!("what `{place}` does to `{VARIABLE}` only bash can tell");
    Finding::warning(Topic::LeftOutUnclear, what)
        .because("whether dracut leaves the module `nvmeroot` out was not found out")
        .mend("see that it does not; `omit_dracutmodules+=\" … \"` alone is read")
}

/// What a command does to the list of modules that dracut leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// nvmeroot's is among them.
    LeftOut,
    /// Of what was said before nothing counts any more: it is `=`, without nvmeroot's.
    Otherwise,
    /// nvmeroot's may be among them.
    Unclear,
}

/// What a file says of nvmeroot's module, with the lines.
fn read(text: &str) -> Vec<(usize, Said)> {
    let commands = shell::commands(text);
    let is_reading = |command: &str| {
        let first = command.split_whitespace().next();
        first.is_some_and(|word| READING.contains(&word))
    };
    // Any other command may be a condition, a loop or what a function begins with.
    let is_program = !commands.iter().all(|(_, command)| is_assignment(command));
    let mut found = Vec::new();
    for (line, command) in &commands {
        let said = match assigned(command) {
            Some((modules, is_instead)) => {
                let is_ours = modules.split_whitespace().any(|one| one == "nvmeroot");
                match (is_ours, is_program) {
                    (true, true) => Some(Said::Unclear),
                    (true, false) => {
                        found.extend(is_instead.then_some((*line, Said::Otherwise)));
                        Some(Said::LeftOut)
                    }
                    (false, false) if is_instead => Some(Said::Otherwise),
                    (false, _) => None,
                }
            }
            None if command.contains(VARIABLE) || is_reading(command) => Some(Said::Unclear),
            None => None,
        };
        found.extend(said.map(|said| (*line, said)));
    }
    found
}

fn is_assignment(command: &str) -> bool {
    let name = command.split_once('=').map_or("", |(name, _)| name);
    let name = name.strip_suffix('+').unwrap_or(name);
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_of_name)
}

/// Of `omit_dracutmodules+=" a b "` the value, and whether it is `=`; `None` too where
/// bash puts something else into the value.
fn assigned(command: &str) -> Option<(String, bool)> {
    let rest = command.strip_prefix(VARIABLE)?;
    let more = rest.strip_prefix("+=");
    let text = more.or_else(|| rest.strip_prefix('='))?;
    let is_plain = !text.contains(['$', '`', '(']);
    Some((shell::value(text).filter(|_| is_plain)?, more.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_left_out_by_their_names() {
        use Said::{LeftOut, Otherwise, Unclear};
        for (text, said) in [
            ("omit_dracutmodules+=\" nvmeroot \"", &[(1, LeftOut)][..]),
            (
                "  omit_dracutmodules='nvmf nvmeroot'",
                &[(1, Otherwise), (1, LeftOut)],
            ),
            ("a=1; omit_dracutmodules+=nvmeroot;", &[(1, LeftOut)]),
            (
                "\nomit_dracutmodules+=\" nvmf \\\n nvmeroot \\\n\"",
                &[(2, LeftOut)],
            ),
            ("omit_dracutmodules+=\" nvmf\n nvmeroot \"", &[(1, LeftOut)]),
            (
                "omit_dracutmodules+=\" nvmf \"' nvmeroot '",
                &[(1, LeftOut)],
            ),
            ("omit_dracutmodules+=\\\n\" nvmeroot \"", &[(1, LeftOut)]),
            ("omit_dracutmodules=", &[(1, Otherwise)]),
            ("omit_dracutmodules+=\" $mine \"", &[(1, Unclear)]),
            ("omit_dracutmodules+=\" nvmeroot", &[(1, Unclear)]),
            ("export omit_dracutmodules+=\" nvmf \"", &[(1, Unclear)]),
            (
                "if true\nthen\n omit_dracutmodules+=\" nvmeroot \"\nfi",
                &[(3, Unclear)],
            ),
            ("[[ $a ]] && omit_dracutmodules=nvmf", &[]),
            ("grep -q x /y || omit_dracutmodules=", &[]),
            (
                "mine() {\n omit_dracutmodules+=\" nvmeroot \"\n}",
                &[(2, Unclear)],
            ),
            ("a+=1 b=2\nomit_dracutmodules+=nvmeroot", &[(2, LeftOut)]),
            ("a=$b\n. /etc/mine", &[(2, Unclear)]),
            ("omit_dracutmodules+=\" nvmf \" # nvmeroot", &[]),
            ("#omit_dracutmodules+=\" nvmeroot \"", &[]),
            ("add_dracutmodules+=\" \\\n nvmeroot \"", &[]),
            (
                "i18n_vars=\"/etc/locale.conf:LANG\" initrdname=\"initrd.img-${kernel}\"",
                &[],
            ),
        ] {
            assert_eq!(read(text), said, "{text}");
        }
    }
}
