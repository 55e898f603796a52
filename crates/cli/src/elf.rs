//! As much of the ELF format as shows whether a program can run alone
//! (elf(5); System V ABI, chapters 4 and 5).

use std::fmt;

use thiserror::Error;

const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PT_INTERP: u32 = 3;

/// Why bytes are no program.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum ElfError {
    #[error("it is no ELF program")]
    NotElf,
    #[error("it is cut short")]
    CutShort,
    #[error("it is ELF of another type than a program ({0})")]
    NotProgram(u16),
}

/// What a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    wide: bool,
    big_endian: bool,
    number: u16,
}

impl Machine {
    /// Reads the first 20 bytes of a program.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ElfError> {
        let (wide, big_endian) = match bytes.get(..6) {
            Some([0x7f, b'E', b'L', b'F', class @ (1 | 2), data @ (1 | 2)]) => {
                (*class == 2, *data == 2)
            }
            _ => return Err(ElfError::NotElf),
        };
        let mut machine = Self {
            wide,
            big_endian,
            number: 0,
        };
        machine.number = machine.half(bytes, 18)?;
        Ok(machine)
    }

    fn half(self, bytes: &[u8], at: usize) -> Result<u16, ElfError> {
        self.number(bytes, at).map(u16::from_be_bytes)
    }

    fn word(self, bytes: &[u8], at: usize) -> Result<u32, ElfError> {
        self.number(bytes, at).map(u32::from_be_bytes)
    }

    /// An offset: as wide as the machine's addresses.
    fn offset(self, bytes: &[u8], at: usize) -> Result<usize, ElfError> {
        let offset = match self.wide {
            true => u64::from_be_bytes(self.number(bytes, at)?),
            false => self.word(bytes, at)?.into(),
        };
        usize::try_from(offset).map_err(|_| ElfError::CutShort)
    }

    /// The bytes of a number, the highest first.
    fn number<const N: usize>(self, bytes: &[u8], at: usize) -> Result<[u8; N], ElfError> {
        let rest = bytes.get(at..).and_then(|rest| rest.first_chunk());
        let mut number: [u8; N] = *rest.ok_or(ElfError::CutShort)?;
        if !self.big_endian {
            number.reverse();
        }
        Ok(number)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.number, self.wide, self.big_endian) {
            (3, false, false) => "i386",
            (20, false, true) => "powerpc",
            (21, true, false) => "ppc64le",
            (21, true, true) => "ppc64",
            (22, true, true) => "s390x",
            (40, false, false) => "arm",
            (62, true, false) => "x86_64",
            (183, true, false) => "aarch64",
            (243, true, false) => "riscv64",
            (258, true, false) => "loongarch64",
            (number, wide, _) => {
                let bits = if wide { 64 } else { 32 };
                return write!(f, "ELF machine {number} ({bits} bit)");
            }
        };
        f.write_str(name)
    }
}

/// A program's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// What it runs on.
    pub(crate) machine: Machine,
    /// It needs no loader, and so no library.
    pub(crate) is_static: bool,
}

impl Program {
    /// Reads a whole program.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ElfError> {
        let machine = Machine::read(bytes)?;
        let kind = machine.half(bytes, 16)?;
        if !matches!(kind, ET_EXEC | ET_DYN) {
            return Err(ElfError::NotProgram(kind));
        }
        let (table, size, count) = if machine.wide {
            (32, 54, 56)
        } else {
            (28, 42, 44)
        };
        let table = machine.offset(bytes, table)?;
        let size = usize::from(machine.half(bytes, size)?);
        let count = usize::from(machine.half(bytes, count)?);
        // A program that loads nothing runs nothing: a shared object's stub, or
        // no program at all.
        if count == 0 {
            return Err(ElfError::NotElf);
        }
        let mut is_static = true;
        for i in 0..count {
            let at = size.checked_mul(i).and_then(|o| o.checked_add(table));
            let segment = machine.word(bytes, at.ok_or(ElfError::CutShort)?)?;
            is_static &= segment != PT_INTERP;
        }
        Ok(Self { machine, is_static })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header and one segment of that type.
    fn program(wide: bool, big: bool, machine: u16, segment: u32) -> Vec<u8> {
        let half = |n: u16| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let word = |n: u32| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let header = if wide { 64_u32 } else { 52 };
        let mut bytes = vec![0; usize::try_from(header).expect("small")];
        bytes[..4].copy_from_slice(b"\x7fELF");
        (bytes[4], bytes[5]) = (1 + u8::from(wide), 1 + u8::from(big));
        bytes[16..18].copy_from_slice(&half(ET_DYN));
        bytes[18..20].copy_from_slice(&half(machine));
        if wide {
            let at = if big { 36 } else { 32 };
            bytes[at..at + 4].copy_from_slice(&word(header));
            bytes[54..56].copy_from_slice(&half(56));
            bytes[56..58].copy_from_slice(&half(1));
        } else {
            bytes[28..32].copy_from_slice(&word(header));
            bytes[42..44].copy_from_slice(&half(32));
            bytes[44..46].copy_from_slice(&half(1));
        }
        bytes.extend(word(segment));
        bytes
    }

    #[test]
    fn every_class_and_byte_order() {
        for (wide, big, machine, name) in [
            (true, false, 62, "x86_64"),
            (true, true, 22, "s390x"),
            (false, false, 40, "arm"),
            (false, true, 20, "powerpc"),
            (true, false, 9999, "ELF machine 9999 (64 bit)"),
        ] {
            for (segment, is_static) in [(1, true), (PT_INTERP, false)] {
                let bytes = program(wide, big, machine, segment);
                let found = Program::read(&bytes).expect("a program");
                assert_eq!(found.machine.to_string(), name);
                assert_eq!(found.is_static, is_static, "{name}");
                assert_eq!(Machine::read(&bytes[..20]), Ok(found.machine));
            }
        }
    }

    #[test]
    fn what_is_no_program() {
        let good = program(true, false, 62, 1);
        for end in 0..good.len() {
            let cut = Program::read(&good[..end]);
            let expected = if end < 6 {
                ElfError::NotElf
            } else {
                ElfError::CutShort
            };
            assert_eq!(cut, Err(expected), "cut at {end}");
        }
        let mut object = good.clone();
        object[16] = 1;
        assert_eq!(Program::read(&object), Err(ElfError::NotProgram(1)));
        let mut far = good.clone();
        far[32..40].fill(0xff);
        assert_eq!(Program::read(&far), Err(ElfError::CutShort));
        let mut empty = good;
        empty[56] = 0;
        assert_eq!(Program::read(&empty), Err(ElfError::NotElf));
        assert_eq!(Program::read(b"#!/bin/sh\n"), Err(ElfError::NotElf));
    }

    /// What the linker really makes.
    #[test]
    fn this_test_is_a_program() {
        let bytes = std::fs::read(std::env::current_exe().expect("a path")).expect("a file");
        let found = Program::read(&bytes).expect("a program");
        assert_eq!(found.machine.to_string(), std::env::consts::ARCH);
    }
}
