//! Requests as text, to compare with what iproute2 sends.

use super::wire::Request;

/// All after the header, in hexadecimal.
pub(super) fn hex(request: Request) -> String {
    let bytes = request.finish(0, 1);
    bytes[16..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Attributes one by one, all in hexadecimal.
pub(super) fn attributes(mut text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    while let Some(length) = text.get(..2) {
        let length = usize::from_str_radix(length, 16).expect("hexadecimal");
        let (one, rest) = text.split_at(length.next_multiple_of(4) * 2);
        found.push(one);
        text = rest;
    }
    found
}
