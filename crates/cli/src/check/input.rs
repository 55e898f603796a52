//! What the input says, where it is not `configure` that asks: what it leaves open, and
//! whether it still says what the tree was configured for.

use nvmeroot_plan::Warning;
use nvmeroot_render::{PLAN_PATH, render};

use super::configured::is_same_plan;
use super::finding::{Finding, Topic};
use super::subject::Subject;
use crate::args::Input;
use crate::configure::for_boot;
use crate::sources::{self, Read};
use crate::{Failure, unknown};

const LOOK: &str = "`nvmeroot plan` shows what was understood";

/// What `plan` warns of: a mount that the boot needs and whose device is not known is a
/// fault.
pub(super) fn findings(read: &Read) -> Vec<Finding> {
    let unknown = unknown::devices(read);
    let is_unknown = |warning: &Warning| {
        let of_it = |one: &unknown::Doubt| one.origin == warning.origin;
        warning.origin.is_some() && unknown.iter().any(of_it)
    };
    let mut findings = Vec::new();
    if unknown.iter().any(|one| one.origin.is_none()) {
        findings.push(
            Finding::warning(Topic::Input, "nothing says what `/` lies on")
                .because("so it is taken for local")
                .mend("name it in `etc/fstab`, or pass curtin's whole configuration by `--curtin FILE`"),
        );
    }
    for warning in &read.plan.warnings {
        let finding = match is_unknown(warning) {
            true => Finding::fault(Topic::NotConfigured, &warning.message)
                .because("nothing tells what the machine needs to boot from it"),
            false => {
                let origin = warning.origin.as_ref();
                let place = origin.map(|origin| format!(", at {origin}"));
                let why = format!("the input says so{}", place.unwrap_or_default());
                Finding::warning(Topic::Input, &warning.message).because(why)
            }
        };
        findings.push(finding.mend(warning.hint.as_deref().unwrap_or(LOOK)));
    }
    findings
}

/// Holds the plan in the tree, which was made of the tree's own files, against these.
pub(super) fn compare(
    subject: &Subject<'_>,
    from: &Input,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let unread = |error: &str| {
        Finding::of_error(Topic::PlanOther, error, &subject.configure)
            .because("`configure` can't be run again before that is mended")
    };
    let read = match sources::read(from, Some(subject.root), None) {
        Ok(read) => read,
        Err(Failure::Input(errors)) => {
            findings.extend(errors.errors.into_iter().map(|error| {
                let place = error.origin.map(|origin| format!(" ({origin})"));
                let hint = error.hint.map(|hint| format!("\nhint: {hint}"));
                let (place, hint) = (place.unwrap_or_default(), hint.unwrap_or_default());
                unread(&format!("{}{place}{hint}", error.message))
            }));
            return Ok(());
        }
        Err(Failure::Usage(message)) => {
            findings.push(unread(&message));
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    if let Some(doubt) = unknown::devices(&read).first() {
        let what = "whether the tree's own files have changed since `configure` can't be told here";
        findings.push(
            Finding::warning(Topic::PlanOther, what)
                .because(format!(
                    "this machine does not have the drive that `{}` lies on",
                    doubt.path
                ))
                .mend("connect it and mount the tree from it, or run this on the machine itself"),
        );
        return Ok(());
    }
    let mut options = subject.options.clone();
    options.fragments = for_boot(read.fragments, &read.plan);
    let files = match render(&read.plan, &options) {
        Ok(files) => files,
        Err(error) => {
            findings.push(unread(&error.to_string()));
            return Ok(());
        }
    };
    let mut changes = files.into_iter();
    let plan = changes.find(|change| change.path.as_str() == PLAN_PATH);
    if plan.is_none_or(|plan| !is_same_plan(subject, plan, &["fragments"])) {
        findings.push(
            Finding::warning(
                Topic::PlanOther,
                format!("`{PLAN_PATH}` is not what the tree's own files say now"),
            )
            .because("what was changed since `configure` does not count before it runs again")
            .mend(format!(
                "read `nvmeroot plan`, then {}, and make the initramfs anew",
                subject.configure
            )),
        );
    }
    Ok(())
}
