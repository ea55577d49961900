//! What the end-to-end tests share: a lake in a temporary folder, simulated clusters, and the comparison of both.

pub(crate) mod postgres;
pub(crate) mod rows;
pub(crate) mod stl;
pub(crate) mod world;
