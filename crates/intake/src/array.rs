//! Arrays (md(4)).

/// How many of its members an array can do without, by its level in the kernel's words or
/// in curtin's (`VALID_RAID_LEVELS` in its curtin/block/mdadm.py). Which two of a `raid10`
/// hold the same depends on its layout, so it is one. A container is no array, and what
/// the arrays in it lie on is not said.
pub(crate) fn can_miss(level: &str, members: usize) -> usize {
    let by_level = match level.strip_prefix("raid").unwrap_or(level) {
        "1" | "mirror" => usize::MAX,
        "4" | "5" | "10" => 1,
        "6" => 2,
        _ => 0,
    };
    by_level.min(members.saturating_sub(1))
}
