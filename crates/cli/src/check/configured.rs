//! What `configure` has left: the plan, and the files that it says are needed. Which
//! files these are, only the renderer knows.

use nvmeroot_plan::{Document, FORMAT_VERSION};
use nvmeroot_render::{Change, ChangeKind, PLAN_PATH, Runtime, manager_limits, render};
use serde_json::Value;

use super::finding::{Finding, Topic};
use super::subject::Subject;
use crate::Failure;
use crate::advice::{missing_programs, open_secrets};
use crate::root::{Outcome, RootTree};
use crate::ways;

/// Longest plan that is read.
const LONGEST: u64 = 16 << 20;

/// The plan that the tree was configured for; `None`: there is none, and nothing says
/// yet that there should be one. A finding, where it is none that the agent could read.
pub(crate) fn plan_of_tree(
    root: &RootTree,
    configure: &str,
) -> Result<Option<Result<Document, Box<Finding>>>, Failure> {
    let Some(bytes) = root.read(PLAN_PATH, LONGEST)? else {
        return Ok(None);
    };
    let broken = |why: String| {
        Finding::fault(
            Topic::PlanBroken,
            format!("`{PLAN_PATH}` can't be used: {why}"),
        )
        .because("the agent refuses it, and connects nothing")
        .mend(configure)
    };
    let read: Result<Document, _> = serde_json::from_slice(&bytes);
    let plan = match read {
        // What it says may be a secret.
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(broken(format!(
                "line {line}, column {column} is not understood"
            )))
        }
        Ok(document) if document.version != FORMAT_VERSION => Err(broken(format!(
            "it is of version {}, and this program's is {FORMAT_VERSION}",
            document.version
        ))),
        Ok(document) => Ok(document),
    };
    Ok(Some(plan.map_err(Box::new)))
}

/// Compares the tree with what `configure` would write. `is_given`: the plan comes from
/// an input and not from the tree.
pub(crate) fn check(
    subject: &Subject<'_>,
    is_given: bool,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    interrupted(subject, findings)?;
    ways(subject, findings);
    let limits = manager_limits(subject.plan, &subject.options);
    // Where nothing boots by the initramfs, what makes it is nobody's business.
    let guess = subject.choice.warning_of_check(&subject.configure);
    let guess = guess.filter(|_| subject.plan.reach.is_by_initramfs());
    let limits = limits
        .into_iter()
        .map(|limit| (limit, "nvmeroot can't do more about it"));
    let guess = guess.map(|guess| (guess, "what `configure` writes is for that one alone"));
    for (limit, why) in limits.chain(guess) {
        let finding = Finding::warning(Topic::Limit, limit.message).because(why);
        findings.push(match limit.hint {
            Some(hint) => finding.mend(hint),
            None => finding,
        });
    }
    if let Some(warning) = missing_programs(subject.root, subject.plan, &subject.options)? {
        let finding = Finding::fault(Topic::ProgramMissing, warning.message)
            .because("what `configure` writes calls them")
            .mend(warning.hint.unwrap_or_default());
        findings.push(finding);
    }
    if let Some(warning) = open_secrets(subject.root)? {
        let finding = Finding::warning(Topic::SecretOpen, warning.message)
            .because("who reads it can be this host to the drives")
            .mend(warning.hint.unwrap_or_default());
        findings.push(finding);
    }
    let files = match render(subject.plan, &subject.options) {
        Ok(files) => files,
        Err(error) => {
            let finding = Finding::of_error(Topic::NotConfigured, &error.to_string(), "")
                .because("`configure` writes nothing for such a plan");
            findings.push(finding);
            return Ok(());
        }
    };
    if is_given && is_bare(subject)? {
        let what = format!("the root tree is not configured: it has no `{PLAN_PATH}`");
        let finding = Finding::fault(Topic::NotConfigured, what)
            .because("nothing in it connects the drives before root is mounted")
            .mend(&subject.configure);
        findings.push(finding);
        return Ok(());
    }
    for (change, outcome) in files.changes().iter().zip(subject.root.differences(&files)) {
        let path = change.path.as_str();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) if error.is_denied() => return Err(error.into()),
            Err(error) => {
                findings.push(
                    Finding::of_error(Topic::FileMissing, &error.to_string(), "")
                        .because(format!("the file {}", change.why)),
                );
                continue;
            }
        };
        // Read back, a plan has lost where some of its parts stood in the input.
        if path == PLAN_PATH && matches!(outcome, Outcome::Replaced | Outcome::ModeSet) {
            if is_given && !is_same_plan(subject, change, &[]) {
                let what = format!("`{PLAN_PATH}` is of another input");
                findings.push(
                    Finding::fault(Topic::PlanOther, what)
                        .because("the machine would connect what was configured before")
                        .mend(&subject.configure),
                );
            }
            findings.extend(open_plan(subject)?);
            continue;
        }
        findings.extend(of_file(subject, path, change.why, &outcome));
    }
    Ok(())
}

/// Somebody killed a run, or the power went.
fn interrupted(subject: &Subject<'_>, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    let what = match subject.root.is_interrupted() {
        Ok(false) => return Ok(()),
        Ok(true) => "a `configure` or `revert` of this tree was interrupted".to_owned(),
        Err(error) if error.is_denied() => return Err(error.into()),
        Err(error) => error.to_string(),
    };
    findings.push(
        Finding::of_error(Topic::Interrupted, &what, &subject.configure)
            .because("its files are partly those from before"),
    );
    Ok(())
}

/// `configure` has not run, for an initramfs at least.
fn is_bare(subject: &Subject<'_>) -> Result<bool, Failure> {
    let has_plan = subject.root.exists(PLAN_PATH)?;
    let by_initramfs = subject.plan.reach.is_by_initramfs();
    Ok(by_initramfs && !has_plan && subject.options.runtime == Runtime::Agent)
}

fn of_file(subject: &Subject<'_>, path: &str, why: &str, outcome: &Outcome) -> Option<Finding> {
    let finding = match outcome {
        Outcome::Unchanged | Outcome::PutBack => return None,
        Outcome::Created => Finding::fault(Topic::FileMissing, format!("`{path}` is not there"))
            .because(format!("it {why}")),
        Outcome::ModeSet => {
            let what = format!("`{path}` has another mode or owner than `configure` gives it");
            Finding::warning(Topic::FileChanged, what).because(format!("it {why}"))
        }
        Outcome::Replaced | Outcome::MovedAside(_) => {
            let what = format!("`{path}` is not what `configure` writes there");
            Finding::warning(Topic::FileChanged, what).because(format!(
                "it {why}; it was edited, or written by another version of nvmeroot"
            ))
        }
        Outcome::Removed => {
            let what = format!("`{path}` is left from an earlier `configure`");
            Finding::warning(Topic::FileLeft, what).because(why)
        }
    };
    Some(finding.mend(&subject.configure))
}

/// The plan is for the administrator alone.
fn open_plan(subject: &Subject<'_>) -> Result<Option<Finding>, Failure> {
    let mode = subject.root.mode(PLAN_PATH)?;
    let Some(mode) = mode.filter(|mode| mode & 0o077 != 0) else {
        return Ok(None);
    };
    let what = format!("`{PLAN_PATH}` is open to others: its mode is {mode:04o}");
    let why = match subject.has_secret() {
        true => "it holds secrets: who reads it can be this host to the drives",
        false => "the next plan may hold secrets",
    };
    let finding = Finding::warning(Topic::SecretOpen, what).because(why);
    Ok(Some(finding.mend(format!(
        "`chmod 0600 {PLAN_PATH}` in the root tree"
    ))))
}

/// The plan in the tree means the same, but for these keys: where its parts were read
/// does not matter.
pub(super) fn is_same_plan(subject: &Subject<'_>, change: &Change, but_for: &[&str]) -> bool {
    let ChangeKind::File { bytes, .. } = &change.kind else {
        return false;
    };
    let meaning = |bytes: &[u8]| {
        let mut value: Value = serde_json::from_slice(bytes).ok()?;
        if let Some(map) = value.as_object_mut() {
            map.retain(|key, _| !but_for.contains(&key.as_str()));
        }
        without_origins(&mut value);
        Some(value)
    };
    let there = subject.read(PLAN_PATH).unwrap_or_default();
    meaning(bytes).is_some_and(|wanted| meaning(&there) == Some(wanted))
}

fn without_origins(value: &mut Value) {
    match value {
        // As parts have it that are read back in pairs.
        Value::Object(map)
            if map.contains_key("file")
                && map
                    .keys()
                    .all(|key| matches!(key.as_str(), "file" | "line" | "column" | "key")) =>
        {
            *value = Value::Null;
        }
        Value::Object(map) => {
            map.retain(|key, _| !matches!(key.as_str(), "origin" | "reasons" | "warnings" | "why"));
            map.values_mut().for_each(without_origins);
        }
        Value::Array(values) => values.iter_mut().for_each(without_origins),
        _ => {}
    }
}

fn ways(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    findings.extend(ways::missing(subject.plan).into_iter().map(|one| {
        let finding = match one.is_needed {
            true => Finding::fault(Topic::NoWay, one.what()),
            false => Finding::warning(Topic::NoWay, one.what()),
        };
        finding.because(one.why()).mend(format!(
                "describe the network that leads there, then {}; `nvmeroot plan` shows what was understood",
                subject.configure
            ))
    }));
}
