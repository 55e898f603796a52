//! What is sorted by insertion, for the program in the initramfs: each `sort()`, and each
//! `collect()` into a sorted set or map, which sorts a list first, is four kilobytes of
//! code for its type.

/// A sorted set or map, item by item.
///
/// ```
/// # use std::collections::BTreeSet;
/// let set: BTreeSet<_> = nvmeroot_plan::inserted([2, 1, 2]);
/// assert_eq!(set, [1, 2].into());
/// ```
pub fn inserted<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut all = C::default();
    all.extend(items);
    all
}

/// Puts an item into a list that is sorted by a key, behind those with the same key. For
/// lists that come in nearly that order already, or are short.
///
/// ```
/// let mut list = vec!["a", "ccc"];
/// for item in ["bb", "d"] {
///     nvmeroot_plan::insert_by_key(&mut list, item, |text| text.len());
/// }
/// assert_eq!(list, ["a", "d", "bb", "ccc"]);
/// ```
pub fn insert_by_key<T, K: Ord>(list: &mut Vec<T>, item: T, key: impl Fn(&T) -> K) {
    let own = key(&item);
    let place = list.partition_point(|one| key(one) <= own);
    list.insert(place, item);
}
