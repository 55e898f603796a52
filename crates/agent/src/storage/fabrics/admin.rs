//! The one system call of this program that needs `unsafe`: the admin command
//! that reads a log page (`NVME_IOCTL_ADMIN_CMD`, linux/nvme_ioctl.h).
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

/// `struct nvme_passthru_cmd`, 72 bytes, no padding.
#[repr(C)]
#[derive(Debug, Default)]
struct PassthruCommand {
    opcode: u8,
    flags: u8,
    rsvd1: u16,
    nsid: u32,
    cdw2: u32,
    cdw3: u32,
    metadata: u64,
    addr: u64,
    metadata_len: u32,
    data_len: u32,
    cdw10: u32,
    cdw11: u32,
    cdw12: u32,
    cdw13: u32,
    cdw14: u32,
    cdw15: u32,
    timeout_ms: u32,
    result: u32,
}
const _: () = assert!(size_of::<PassthruCommand>() == 72);

/// `_IOWR('N', 0x41, struct nvme_passthru_cmd)`.
const ADMIN_COMMAND: Opcode = opcode::read_write::<PassthruCommand>(b'N', 0x41);

/// Get Log Page, NVM Express Base Specification 2.0, section 5.16.
const GET_LOG_PAGE: u8 = 0x02;
const DISCOVERY_LOG: u32 = 0x70;

/// The controller is there at once or not at all.
const TIMEOUT_MS: u32 = 5_000;

/// Get Log Page into a buffer.
struct GetLogPage<'a> {
    command: PassthruCommand,
    /// Held so that the buffer outlives the call.
    _buffer: &'a mut [u8],
}

// SAFETY: `as_ptr` gives a `struct nvme_passthru_cmd`, what the opcode
// expects. Its `addr` and `data_len` are those of `_buffer`, which is borrowed
// exclusively for the life of this value, so the kernel writes only into
// memory that nobody else looks at. The command has no metadata. The kernel
// writes `result` in the struct, hence mutating. The output is the call's
// return value alone; the pointer is not used.
unsafe impl Ioctl for GetLogPage<'_> {
    /// 0, or the status of the NVMe command.
    type Output = u16;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        ADMIN_COMMAND
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut self.command).cast()
    }

    unsafe fn output_from_ptr(status: IoctlOutput, _: *mut c_void) -> rustix::io::Result<u16> {
        u16::try_from(status).map_err(|_| Errno::RANGE)
    }
}

/// Reads a part of the discovery log page of the controller behind `device`
/// (`/dev/nvmeN`). Both `offset` and the buffer's length must be multiples of
/// four. Returns the status of the NVMe command, 0 for success.
///
/// # Errors
/// `EINVAL` for a length or offset that can't be said in the command, else
/// the kernel's answer.
pub(super) fn get_discovery_log(
    device: impl AsFd,
    offset: u64,
    buffer: &mut [u8],
) -> rustix::io::Result<u16> {
    if !buffer.len().is_multiple_of(4) || !offset.is_multiple_of(4) || buffer.is_empty() {
        return Err(Errno::INVAL);
    }
    let length = u32::try_from(buffer.len()).map_err(|_| Errno::INVAL)?;
    // Number of double words, counted from zero, in two halves.
    let dwords = length / 4 - 1;
    let low = u32::try_from(offset & 0xffff_ffff).map_err(|_| Errno::INVAL)?;
    let high = u32::try_from(offset >> 32).map_err(|_| Errno::INVAL)?;
    let command = PassthruCommand {
        opcode: GET_LOG_PAGE,
        addr: buffer.as_mut_ptr().expose_provenance() as u64,
        data_len: length,
        cdw10: DISCOVERY_LOG | (dwords & 0xffff) << 16,
        cdw11: dwords >> 16,
        cdw12: low,
        cdw13: high,
        timeout_ms: TIMEOUT_MS,
        ..PassthruCommand::default()
    };
    let request = GetLogPage {
        command,
        _buffer: buffer,
    };
    // SAFETY: the request keeps the promises of its `Ioctl` implementation
    // above; a device that does not know the opcode answers `ENOTTY`.
    unsafe { ioctl(device, request) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opcode_is_the_kernels() {
        // _IOC(3, 'N', 0x41, 72)
        assert_eq!(ADMIN_COMMAND, 0xc048_4e41);
    }

    #[test]
    fn a_file_that_is_no_controller_refuses() {
        let file = std::fs::File::open("/dev/null").expect("/dev/null");
        let mut buffer = [0; 1024];
        assert_eq!(get_discovery_log(&file, 0, &mut buffer), Err(Errno::NOTTY));
        assert_eq!(
            get_discovery_log(&file, 0, &mut buffer[..3]),
            Err(Errno::INVAL)
        );
    }
}
