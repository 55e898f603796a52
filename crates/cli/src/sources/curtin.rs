//! curtin's configuration, and the files that it writes into the root tree.

use std::path::Path;

use nvmeroot_intake::{curtin, yaml};

use super::{NetworkText, SourceError};
use crate::Failure;
use crate::diagnose::SourceMap;

pub(super) fn read(path: &Path, source_map: &mut SourceMap) -> Result<curtin::Input, SourceError> {
    let name = path.display().to_string();
    match String::from_utf8(read_file(path)?) {
        Ok(text) => {
            let read = curtin::read(&name, &text);
            source_map.insert(&name, text);
            Ok(read?)
        }
        Err(error) => Ok(curtin::read(&name, error.as_bytes())?),
    }
}

/// The network configurations among the files that it writes.
pub(super) fn network(
    configuration: &curtin::Input,
    source_map: &mut SourceMap,
) -> Vec<NetworkText> {
    let mut sources = Vec::new();
    for one in &configuration.texts {
        let (file, _) = &one.within;
        if *file != one.origin.file {
            source_map.insert_bytes(file, &one.content);
        }
        sources.push(NetworkText {
            name: one.name.to_string(),
            path: one.path.clone(),
            content: one.content.clone(),
            within: Some(one.within.clone()),
        });
    }
    sources
}

/// Reads no more than the parser takes and one byte, so that a file without
/// an end costs an error and not the memory.
fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let shown = path.display();
    let open = || -> std::io::Result<Vec<u8>> {
        let file = std::fs::File::open(path)?;
        let limit = yaml::MAX_BYTES as u64 + 1;
        let expected = file.metadata()?.len().min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match open() {
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::Usage(format!("there is no file `{shown}`")))
        }
        Err(e) => Err(Failure::Usage(format!("can't read `{shown}`: {e}"))),
    }
}
