//! A word of the kernel command line.

use nvmeroot_plan::Origin;

/// What the origins of these fragments are called.
pub(super) const NAME: &str = "kernel command line";

/// A word of the line.
#[derive(Debug)]
pub(super) struct BootOption {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) place: Origin,
}

/// `getargbool` in dracut's dracut-lib.sh: anything but these three is yes.
pub(super) fn is_on(value: Option<&str>) -> bool {
    !matches!(value, Some("0" | "no" | "off"))
}
