//! One function per meaningful event: it logs and counts.
