//! A cluster whose configuration cannot be used.

use async_trait::async_trait;

use super::{Session, Source};
use crate::error::{Error, Result};

/// Fails with the same error whenever it is connected to, so that a cluster that is configured wrong fails by itself.
pub struct Broken {
    error: Error,
}

impl Broken {
    /// A source that cannot be reached because of this.
    #[must_use]
    pub fn new(error: Error) -> Self {
        Self { error }
    }
}

#[async_trait]
impl Source for Broken {
    async fn connect(&self) -> Result<Box<dyn Session>> {
        Err(self.error.repeated())
    }
}
