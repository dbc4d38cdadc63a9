//! How much memory a test holds: each runs on a thread of its own, and so does its count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    let held = HELD.get() + change;
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

// SAFETY: each call goes to the system's allocator as it came. Counting allocates nothing: the cells are constants
// without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(block, layout) }
    }

    // A block that grows is one block all the time, and where it is large its pages are moved and not copied.
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Octets that this thread has allocated and not freed.
pub(crate) fn held() -> isize {
    HELD.get()
}

/// Runs `work`; answers how many octets more than before it held at the most.
pub(crate) fn peak(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    work();
    (PEAK.get() - before).unsigned_abs()
}

#[test]
fn what_is_held_is_counted_at_its_peak() {
    let before = held();
    let mut kept = Vec::new();
    let peak = peak(|| {
        kept = vec![0_u8; 1000];
        drop(vec![0_u8; 5000]);
    });
    assert_eq!((peak, held() - before), (6000, 1000));
    drop(kept);
    assert_eq!(held(), before);
}
