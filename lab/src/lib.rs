//! The lab: virtual machines that boot from a real NVMe/TCP target
