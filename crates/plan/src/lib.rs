//! The boot plan: what must be up before root can be mounted
