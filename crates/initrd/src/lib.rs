#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod compression;
mod error;
mod image;
mod input;
mod limits;
mod lz4;
mod newc;
mod uki;
mod walk;
#[cfg(feature = "write")]
mod write;
mod zstd;

pub use compression::Compression;
pub use error::InitrdError;
pub use image::{File, Image, Kind, Node};
pub use limits::Limits;
pub use uki::{Section, open_initrd, sections};
pub use walk::{Entry, Member, walk};
#[cfg(feature = "write")]
pub use write::Writer;
