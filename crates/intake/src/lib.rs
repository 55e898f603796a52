//! Front-ends: curtin configuration and netplan YAML to fragments of a boot plan

pub mod nvme_etc;
pub mod yaml;
