//! Doors to the lake.
