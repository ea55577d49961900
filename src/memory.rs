//! Memory that is free for the moment. What is given back to the system soon is not there twice; what is kept for a while is there
//! when it is needed again, without a fault for each of its pages.

use std::time::Duration;

use tikv_jemalloc_ctl::{Access, AsName, Result};

/// Of what reads and writes rows in buffers of a fixed size, beside whatever else a machine does.
pub(crate) const OF_EXPORTS: Duration = Duration::from_millis(100);
/// Of a server, whose questions come and go all day.
pub(crate) const OF_SERVERS: Duration = Duration::from_secs(1);

/// Memory is given back once it has been free for `time` (it takes as long again until all of it is); it is 10 seconds otherwise.
/// Counts for the thread that calls, and for those that allocate for the first time after this.
///
/// # Errors
/// If the allocator has no such setting.
pub(crate) fn give_back_after(time: Duration) -> Result<()> {
    let milliseconds = isize::try_from(time.as_millis()).unwrap_or(isize::MAX);
    // The first thread's arena is there already. The others begin with what is set for all.
    for setting in ["arena.0.dirty_decay_ms\0", "arenas.dirty_decay_ms\0"] {
        setting.name().write(milliseconds)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocator_takes_both_settings() {
        give_back_after(OF_EXPORTS).unwrap();
        for setting in ["arena.0.dirty_decay_ms\0", "arenas.dirty_decay_ms\0"] {
            let milliseconds: isize = setting.name().read().unwrap();
            assert_eq!(milliseconds, 100, "{setting}");
        }
    }
}
