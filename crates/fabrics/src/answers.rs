//! What a target says, as bytes, for fake targets and tests. They are made here by hand
//! and not by the code that is tested.

/// ICResp: no digests, data as it comes.
pub fn initialized() -> Vec<u8> {
    let mut pdu = vec![1, 0, 128, 0, 128, 0, 0, 0];
    pdu.resize(128, 0);
    pdu
}

/// CapsuleResp. `status` as the wire has it, without the phase bit.
pub fn response(command: u16, result: u64, status: u16) -> Vec<u8> {
    let mut pdu = vec![5, 0, 24, 0, 24, 0, 0, 0];
    pdu.extend(result.to_le_bytes());
    pdu.extend([0; 4]);
    pdu.extend(command.to_le_bytes());
    pdu.extend((status << 1).to_le_bytes());
    pdu
}

/// C2HData, of less than 4 GiB.
pub fn data(command: u16, offset: u32, data: &[u8], flags: u8) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut pdu = vec![7, flags, 24, 24];
    pdu.extend((length + 24).to_le_bytes());
    pdu.extend(command.to_le_bytes());
    pdu.extend([0; 2]);
    pdu.extend(offset.to_le_bytes());
    pdu.extend(length.to_le_bytes());
    pdu.extend([0; 4]);
    pdu.extend(data);
    pdu
}
