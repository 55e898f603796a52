//! Development tasks: demo, test, bench, lab, fuzz

fn main() {}
