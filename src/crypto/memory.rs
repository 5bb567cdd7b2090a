//! argon2's working memory: kept by a backend for its next hash, and the kernel's to take meanwhile.

use argon2::Block;
#[cfg(target_os = "linux")]
use memmap2::{Advice, UncheckedAdvice};
use memmap2::{MmapMut, MmapOptions};

use super::password::HashError;

/// A huge page of x86-64 and arm64. Getting 19 MiB page by page takes half of a hash's time; by huge pages it
/// takes next to none, and the hash itself is faster for them.
const HUGE_PAGE: usize = 2 << 20;

/// Memory of its own, away from the heap, that begins with a huge page.
pub(super) struct Memory(Option<MmapMut>);

impl Memory {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// So many blocks, whatever is in them.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`].
    pub(super) fn blocks(&mut self, count: usize) -> Result<&mut [Block], HashError> {
        const OUT: HashError = HashError::OutOfMemory;
        let size = count
            .checked_mul(Block::SIZE)
            .and_then(|size| size.checked_next_multiple_of(HUGE_PAGE))
            .ok_or(OUT)?;
        if self.0.as_ref().is_none_or(|map| map.len() < size + HUGE_PAGE) {
            self.0 = None;
            self.0 = Some(MmapOptions::new().len(size + HUGE_PAGE).map_anon().map_err(|_| OUT)?);
        }
        let map = self.0.as_mut().ok_or(OUT)?;
        let start = map.as_ptr().align_offset(HUGE_PAGE);
        // Without huge pages it is just slower.
        #[cfg(target_os = "linux")]
        let _ = map.advise_range(Advice::HugePage, start, size);
        let bytes = map.get_mut(start..start + size).ok_or(OUT)?;
        // SAFETY: a block is an array of integers, for which all bytes will do.
        let (_, blocks, _) = unsafe { bytes.align_to_mut::<Block>() };
        blocks.get_mut(..count).ok_or(OUT)
    }

    /// Lets the kernel have the pages when it needs memory. As long as it doesn't, the next hash finds them.
    pub(super) fn give_back(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(map) = &mut self.0 {
            // SAFETY: pages that were taken read as zeroes, and blocks() promises nothing of what they hold.
            let _ = unsafe { map.unchecked_advise(UncheckedAdvice::Free) };
        }
    }
}
