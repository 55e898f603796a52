//! The command line program nvmeroot

fn main() {}
