//! What holds where the agent gives up.

use super::{Faults, Outcome, Reason};

/// What the agent says last of a boot that it gives up.
const HEAD: &str = "nvmeroot: gave up after";

/// What initramfs-tools and dracut say then.
const ROOT_IS_MISSING: [&str; 2] = [
    "LABEL=labroot does not exist",
    "by-label/labroot\" does not exist",
];

/// From the agent's report to the shell: initramfs-tools itself waits 30 s for
/// root.
const ITS_OWN: f64 = 75.0;

/// From switching the host on to the agent's start, and what its last try may take
/// beyond the deadline; where computing takes time, much more.
const START: f64 = 5.0;
const EMULATED_START: f64 = 60.0;

/// The agent gave up in time, and both its record and its report give one of these
/// reasons; then the initramfs gave up in its own way.
pub(super) fn gave_up_for(
    deadline: u32,
    reasons: &[Reason],
    outcome: &Outcome,
    faults: &mut Faults,
) {
    let given = reasons
        .iter()
        .find(|reason| recorded(outcome, reason.layer) && says(&reported(outcome), reason.words));
    match given.or(reasons.first()) {
        Some(reason) => gave_up_after(
            f64::from(deadline),
            outcome,
            faults,
            reason.layer,
            reason.words,
        ),
        None => faults.add("no reason is a good one for giving up"),
    }
}

/// The agent gave up in time and its report names the layer (as in the record)
/// in this line; then the initramfs gave up in its own way.
pub(super) fn gave_up_after(
    deadline: f64,
    outcome: &Outcome,
    faults: &mut Faults,
    layer: &str,
    line: &str,
) {
    faults.expect(outcome.report.is_none(), || "the host came up".to_owned());
    faults.expect(recorded(outcome, layer), || {
        format!("the record does not say `{layer}`: {:?}", outcome.record)
    });
    let mut lines = outcome.console.iter();
    let Some(head) = lines.find(|line| line.text.contains(HEAD)) else {
        return faults.add("the agent did not give up");
    };
    faults.expect(
        head.text.contains(&format!("after {deadline:.0} s")),
        || format!("not {deadline:.0} s: `{}`", head.text),
    );
    let start = if outcome.way.is_virtual() {
        START
    } else {
        EMULATED_START
    };
    let at = head.at.as_secs_f64();
    faults.expect(at <= deadline + start, || {
        format!("it gave up at {at:.1} s, and its deadline is {deadline:.0} s")
    });
    let report = reported(outcome);
    for text in ["`/` has no storage", line] {
        faults.expect(says(&report, text), || {
            format!("the agent's report does not say `{text}`: {report:#?}")
        });
    }
    let misses =
        |line: &&crate::machine::Line| ROOT_IS_MISSING.iter().any(|text| line.text.contains(text));
    match lines.find(misses) {
        Some(end) => {
            let took = (end.at - head.at).as_secs_f64();
            faults.expect(took < ITS_OWN, || {
                format!("the initramfs took {took:.0} s to give up itself")
            });
        }
        None => faults.add("the initramfs did not give up in its own way"),
    }
}

fn recorded(outcome: &Outcome, layer: &str) -> bool {
    outcome.record.as_ref().is_some_and(|record| {
        let met = record.steps.iter().any(|step| step.met(layer));
        met || record.missing.iter().any(|missing| missing.layer == layer)
    })
}

/// What the agent said once it gave up.
fn reported(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.console.iter().map(|line| line.text.as_str());
    let after = lines.skip_while(|line| !line.contains(HEAD)).skip(1);
    after.filter(|line| line.contains("nvmeroot: ")).collect()
}

fn says(report: &[&str], text: &str) -> bool {
    report.iter().any(|line| line.contains(text))
}
