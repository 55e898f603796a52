//! What connects in the running system, where nothing essential is remote.

pub(crate) mod stas;
