//! Memory that is free for the moment. What is given back to the system soon leaves room for others; what is kept for a while is there
//! when it is needed again, without a fault for each of its pages.
//!
//! Each of these counts for the thread that calls, and for those that allocate for the first time after it: so before there are others.

use std::time::Duration;

use tikv_jemalloc_ctl::{Access, AsName, Result, background_thread};

/// Buffers of an export have a fixed size, and come again at once.
const OF_EXPORTS: Duration = Duration::from_millis(50);
/// The questions of a server come and go all day.
const OF_SERVERS: Duration = Duration::from_secs(1);

/// For what reads and writes rows. It allocates all the time, so that no thread has to look after what became free: those of the
/// allocator look ten times a second at most, and 10 to 15 MB more would be kept.
///
/// # Errors
/// If the allocator has no such setting; so for the others.
pub(crate) fn of_exports() -> Result<()> {
    give_back_after(OF_EXPORTS)
}

/// For a server, which gives back memory while nobody asks.
pub(crate) fn of_servers() -> Result<()> {
    background_thread::write(true)?;
    give_back_after(OF_SERVERS)
}

/// For a question, whose memory is kept for the allocator's 10 seconds; a shell gives it back while nobody types.
pub(crate) fn of_questions() -> Result<()> {
    background_thread::write(true)
}

/// Memory is given back piece by piece in the `time` after it became free.
fn give_back_after(time: Duration) -> Result<()> {
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
    fn the_allocator_takes_every_setting() {
        of_exports().unwrap();
        for setting in ["arena.0.dirty_decay_ms\0", "arenas.dirty_decay_ms\0"] {
            let milliseconds: isize = setting.name().read().unwrap();
            assert_eq!(milliseconds, 50, "{setting}");
        }
        assert!(!background_thread::read().unwrap());
        of_questions().unwrap();
        assert!(background_thread::read().unwrap());
        of_servers().unwrap();
        let milliseconds: isize = "arenas.dirty_decay_ms\0".name().read().unwrap();
        assert_eq!(milliseconds, 1_000);
    }
}
