// SPDX-License-Identifier: MIT OR Apache-2.0
//! Structs that callers allocate and that can grow.
//!
//! Such a struct begins with its size in bytes in the version that the caller was compiled with.
//! Later versions only append fields. Any size from that of the first version on is accepted, and
//! no byte beyond it is read or written. For callers of an older version, the later fields are
//! absent; for callers of a newer version, so are the fields that this library does not know.

use std::mem::MaybeUninit;
use std::ptr;

/// A struct that its callers allocate, and that can grow. [`growing!`](crate::growing) implements
/// it.
///
/// # Safety
/// The struct is `repr(C)` and begins with a `usize`, its size. If all bytes are 0, it is a valid
/// value in which every field except the size is absent.
pub unsafe trait Growing: Copy {
    /// Size of the first version in bytes.
    const FIRST_SIZE: usize;
}

/// Implements [`Growing`] for a struct. The arguments are the struct, the size of its first version
/// if pointers have 64 bits, and the last field of that version. If that field is a struct that can
/// grow, its type must be given as well: the first version ended with the first version of that
/// type. If the struct has grown, its current last field comes last.
///
/// # Safety
/// All zeros must be a valid value of the struct.
#[macro_export]
macro_rules! growing {
    ($struct:ty, $size:literal, $last:ident) => {
        $crate::growing!($struct, $size, $last, $last);
    };
    ($struct:ty, $size:literal, $last:ident, $now:ident) => {
        $crate::growing!(@ $struct, $size, $crate::end_of_field!($struct, $last), $now);
        const _: () = {
            let [last, now] =
                [::std::mem::offset_of!($struct, $last), ::std::mem::offset_of!($struct, $now)];
            let first_size = <$struct as $crate::Growing>::FIRST_SIZE;
            assert!(now == last || now >= first_size, "the new field begins in padding");
        };
    };
    ($struct:ty, $size:literal, $last:ident: $growing:ty) => {
        $crate::growing!(
            @ $struct,
            $size,
            ::std::mem::offset_of!($struct, $last) + <$growing as $crate::Growing>::FIRST_SIZE,
            $last
        );
    };
    (@ $struct:ty, $size:literal, $first_size:expr, $now:ident) => {
        // SAFETY: it begins with its size, as asserted below; the caller of the macro ensures the
        // rest.
        unsafe impl $crate::Growing for $struct {
            const FIRST_SIZE: usize = {
                let end: usize = $first_size;
                end.next_multiple_of(align_of::<$struct>())
            };
        }

        const _: () = {
            const FIRST_SIZE: usize = <$struct as $crate::Growing>::FIRST_SIZE;
            assert!(::std::mem::offset_of!($struct, size) == 0);
            assert!(FIRST_SIZE == $size || !cfg!(target_pointer_width = "64"));
            // A new field must not use padding, which callers leave undefined. If pointers have 32
            // bits and 64-bit integers are aligned to 8 bytes, as on ARM, a struct may end with
            // padding; the first new field begins after it.
            let end = $crate::end_of_field!($struct, $now);
            let padding = size_of::<$struct>() - end;
            assert!(padding == 0 || !cfg!(target_pointer_width = "64"), "padding at the end");
            assert!(padding < align_of::<$struct>(), "the last field does not end the struct");
        };
    };
}

/// Expands to the offset of the end of a field.
#[doc(hidden)]
#[macro_export]
macro_rules! end_of_field {
    ($struct:ty, $field:ident) => {{
        const fn size_of_field<S, F>(_: fn(&S) -> &F) -> usize {
            size_of::<F>()
        }
        ::std::mem::offset_of!($struct, $field) + size_of_field(|all: &$struct| &all.$field)
    }};
}

/// The reason why a struct of the caller is neither read nor written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeError {
    /// The pointer is NULL.
    Null,
    /// The size is not set, or smaller than that of the first version.
    Size,
}

/// Returns the size that the caller has set.
///
/// # Safety
/// `place` is NULL or begins with a size.
#[inline(always)]
unsafe fn size_at<T>(place: *const T) -> Result<usize, SizeError> {
    // SAFETY: passed on to the caller. Only the size is known to exist, so no reference to the
    // whole struct is created.
    unsafe { place.cast::<usize>().as_ref() }.copied().ok_or(SizeError::Null)
}

/// Returns the caller's struct or, for a caller of an older version, a copy in `older`.
///
/// # Safety
/// `place` is NULL, or begins with a size and is valid for reading that many bytes.
#[inline(always)]
pub unsafe fn borrow_sized<T: Growing>(
    place: *const T,
    older: &mut MaybeUninit<T>,
) -> Result<&T, SizeError> {
    // SAFETY: passed on to the caller.
    if unsafe { size_at(place) }? >= size_of::<T>() {
        // SAFETY: the caller's struct has all fields of this version.
        return Ok(unsafe { &*place });
    }
    // SAFETY: passed on to the caller.
    Ok(older.write(unsafe { load_sized(place) }?))
}

/// Returns a copy of the caller's struct, in which the fields that it does not have are 0.
///
/// # Safety
/// As for [`borrow_sized`].
#[cold]
pub unsafe fn load_sized<T: Growing>(place: *const T) -> Result<T, SizeError> {
    // SAFETY: passed on to the caller.
    let size = unsafe { size_at(place) }?;
    if size < T::FIRST_SIZE {
        return Err(SizeError::Size);
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    let (from, to) = (place.cast::<u8>(), copy.as_mut_ptr().cast::<u8>());
    // SAFETY: the caller's struct has `size` bytes, and the copy has the size of this version.
    unsafe { ptr::copy_nonoverlapping(from, to, size.min(size_of::<T>())) };
    // SAFETY: each field is zero or was set by the caller.
    Ok(unsafe { copy.assume_init() })
}

/// Maximum plausible size: an uninitialised struct may have any.
const SIZE_MAX: usize = 1 << 16;

/// Returns the number of bytes of the caller's struct that can be written to.
///
/// # Safety
/// `place` is NULL or begins with a size.
pub unsafe fn room_at<T: Growing>(place: *const T) -> Result<usize, SizeError> {
    // SAFETY: passed on to the caller.
    let size = unsafe { size_at(place) }?;
    if (T::FIRST_SIZE..=SIZE_MAX).contains(&size) { Ok(size) } else { Err(SizeError::Size) }
}

/// Stores a struct in the caller's version of it: the fields that the caller has room for. Fields
/// that only the caller knows are set to 0. The size there is unchanged.
///
/// # Safety
/// `place` is NULL, or begins with a size and is valid for writing that many bytes.
pub unsafe fn store_sized<T: Growing>(place: *mut T, value: &T) -> Result<(), SizeError> {
    // SAFETY: passed on to the caller.
    let room = unsafe { room_at(place) }?;
    let known = size_of::<usize>()..room.min(size_of::<T>());
    let (from, to) = (ptr::from_ref(value).cast::<u8>(), place.cast::<u8>());
    // SAFETY: both have the bytes up to the smaller size.
    unsafe { ptr::copy_nonoverlapping(from.add(known.start), to.add(known.start), known.len()) };
    // SAFETY: the caller's struct has `room` bytes.
    unsafe { ptr::write_bytes(to.add(known.end), 0, room - known.end) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct whose first version ends with `first`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(C)]
    struct Grown {
        size: usize,
        first: u64,
        second: u64,
    }

    growing!(Grown, 16, first, second);

    /// A struct of one version that ends with a struct that has grown since.
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct EndsWithGrown {
        size: usize,
        last: Grown,
    }

    growing!(EndsWithGrown, 24, last: Grown);

    const FIRST: usize = Grown::FIRST_SIZE;
    const NOW: usize = size_of::<Grown>();

    /// The memory of a caller: a struct that may be a word longer than ours, and another word.
    type Memory = [u64; 5];

    const UNTOUCHED: u64 = 0x5a5a;

    fn memory(size: usize) -> Memory {
        [size as u64, 1, 2, 3, UNTOUCHED]
    }

    #[test]
    fn a_struct_grows_with_its_last_field() {
        let value = EndsWithGrown { size: 32, last: Grown { size: NOW, first: 11, second: 12 } };
        let mut memory = memory(EndsWithGrown::FIRST_SIZE);
        // SAFETY: the memory is longer than the size.
        assert_eq!(unsafe { store_sized(memory.as_mut_ptr().cast(), &value) }, Ok(()));
        assert_eq!(memory, [24, NOW as u64, 11, 3, UNTOUCHED]);
    }

    #[test]
    fn callers_of_every_version_are_read() {
        for (size, second) in [(FIRST, 0), (NOW - 8, 0), (NOW, 2), (NOW + 8, 2), (1 << 20, 2)] {
            let memory = memory(size);
            let mut older = MaybeUninit::uninit();
            // SAFETY: the memory is longer than our version.
            let found = unsafe { borrow_sized(memory.as_ptr().cast(), &mut older) }.copied();
            assert_eq!(found, Ok(Grown { size, first: 1, second }));
            // SAFETY: the same.
            assert_eq!(unsafe { load_sized(memory.as_ptr().cast()) }, found);
        }
    }

    #[test]
    fn a_part_of_a_later_field_is_read_up_to_the_size() {
        let mut memory = memory(FIRST + 4);
        memory[2] = u64::MAX;
        // SAFETY: the memory is longer than our version.
        let found = unsafe { load_sized::<Grown>(memory.as_ptr().cast()) };
        let mut second = [0; 8];
        second[..4].fill(0xff);
        assert_eq!(found.map(|found| found.second), Ok(u64::from_ne_bytes(second)));
    }

    #[test]
    fn callers_of_every_version_are_written_to() {
        let value = Grown { size: NOW, first: 11, second: 12 };
        for (size, expected) in [
            (FIRST, [11, 2, 3, UNTOUCHED]),
            (NOW, [11, 12, 3, UNTOUCHED]),
            (NOW + 8, [11, 12, 0, UNTOUCHED]),
        ] {
            let mut memory = memory(size);
            // SAFETY: the memory is longer than the size.
            assert_eq!(unsafe { store_sized(memory.as_mut_ptr().cast(), &value) }, Ok(()));
            assert_eq!(memory[0], size as u64);
            assert_eq!(memory[1..], expected);
        }
    }

    #[test]
    fn a_size_that_is_not_set_is_refused() {
        let value = Grown { size: NOW, first: 11, second: 12 };
        for size in [0, 1, FIRST - 1] {
            let mut memory = memory(size);
            let mut older = MaybeUninit::<Grown>::uninit();
            let place = memory.as_mut_ptr().cast::<Grown>();
            // SAFETY: the memory is longer than our version.
            unsafe {
                assert_eq!(borrow_sized(place, &mut older), Err(SizeError::Size));
                assert_eq!(load_sized(place), Err(SizeError::Size));
                assert_eq!(store_sized(place, &value), Err(SizeError::Size));
            }
            assert_eq!(memory[1..], [1, 2, 3, UNTOUCHED]);
        }
        let mut memory = memory(usize::MAX);
        // SAFETY: this size is refused.
        let stored = unsafe { store_sized(memory.as_mut_ptr().cast(), &value) };
        assert_eq!(stored, Err(SizeError::Size));
        // SAFETY: NULL is allowed.
        unsafe {
            assert_eq!(load_sized::<Grown>(ptr::null()), Err(SizeError::Null));
            assert_eq!(store_sized(ptr::null_mut(), &value), Err(SizeError::Null));
        }
    }
}
