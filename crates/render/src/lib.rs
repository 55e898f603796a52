//! Back-ends: a boot plan to the files that carry it out
