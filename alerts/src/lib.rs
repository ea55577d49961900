//! What changed, told once.
