//! What the JSON form leaves out.

/// It says nothing that the reader would not take anyway.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
