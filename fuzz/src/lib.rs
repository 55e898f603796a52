//! What several fuzz targets share.

use std::time::Duration;

/// Cuts an input into packets that arrive one after the other. Each has a head
/// of three bytes: the pause after it in units of 100 ms, and its length (big
/// endian); the last one may be cut off. Plain, so that real packets can be
/// seeds.
pub fn packets(mut bytes: &[u8]) -> impl Iterator<Item = (Duration, Vec<u8>)> {
    std::iter::from_fn(move || {
        let (&[pause, high, low], rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (packet, rest) = rest.split_at(length);
        bytes = rest;
        Some((Duration::from_millis(100) * pause.into(), packet.to_vec()))
    })
}
