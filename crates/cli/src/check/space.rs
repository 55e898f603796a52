//! Room in `/boot`.

use super::finding::{Finding, Topic};
use super::subject::Subject;

/// The generators write an image beside the old one, then replace that.
pub(crate) fn check(subject: &Subject<'_>, largest: u64, findings: &mut Vec<Finding>) {
    let Some(free) = subject.root.free_bytes("boot") else {
        return;
    };
    if largest == 0 || free > largest + largest / 8 {
        return;
    }
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let what = format!(
        "`boot` has {} MiB left, and an initramfs takes {} MiB",
        megabytes(free),
        megabytes(largest)
    );
    findings.push(
        Finding::warning(Topic::BootFull, what)
            .because("the next one can't be written beside it: the old one stays, or a part of the new one")
            .mend("`apt autoremove --purge` takes old kernels away"),
    );
}
