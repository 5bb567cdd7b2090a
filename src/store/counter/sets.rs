//! Where a count is kept: fixed room, which nobody can fill. Pure arithmetic on memory that is given.

/// How many entries share a place. With that many, a table that is half full has hardly a full set.
pub(super) const WAYS: usize = 16;

/// One count. All zeros is an empty one: nothing is ever counted zero times.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Entry {
    /// When it was last let through, in milliseconds since 1970.
    last: i64,
    /// Part of the keyed hash of what is counted; the set that it is in is more of it.
    tag: u64,
    database: u32,
    count: u32,
    /// Of the limit that it was last counted against, in seconds: when nobody needs it any more.
    window: u32,
    max: u32,
}

pub(super) type Set = [Entry; WAYS];

/// What is counted, of which database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    pub(super) tag: u64,
    pub(super) database: u32,
}

/// A limit of `max` in `window` seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limit {
    pub(crate) window: i64,
    pub(crate) max: i64,
}

/// Whether it is let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counted {
    Allowed,
    /// Milliseconds since 1970 of the last one that was let through.
    Denied(i64),
}

impl Entry {
    fn is(&self, key: Key) -> bool {
        self.count > 0 && self.tag == key.tag && self.database == key.database
    }

    /// Whether a window of so many seconds has passed since. A clock that was put back by as much counts too: nobody
    /// is kept out until it has caught up.
    fn is_over(&self, now: i64, window: i64) -> bool {
        self.last.abs_diff(now) >= window.max(0).unsigned_abs().saturating_mul(1_000)
    }

    /// The order in which entries make room: an empty one, one that nobody needs any more, one that refuses nobody,
    /// and among those the one that was let through longest ago.
    fn worth(&self, now: i64) -> (u8, i64) {
        let rank = match self {
            Self { count: 0, .. } => 0,
            _ if self.is_over(now, self.window.into()) => 1,
            _ if self.count < self.max => 2,
            _ => 3,
        };
        (rank, self.last)
    }
}

/// Counts one more at `now`, in milliseconds since 1970, with Better Auth's algorithm: a count ends when nothing was
/// let through for a whole window.
///
/// There is always room: where a set has none, a count is forgotten. That is worth nothing to who does it on purpose.
/// Places are chosen by a secret, so to push one count out takes as many others as the whole table has, each of an
/// address or a route of its own, within one window, and each of those addresses could simply have been used. A count
/// that has reached its limit goes last, so it takes that many that have as well.
pub(super) fn count(set: &mut Set, key: Key, now: i64, limit: Limit) -> Counted {
    let found = set.iter_mut().find(|entry| entry.is(key));
    if let Some(entry) = found {
        let anew = entry.is_over(now, limit.window);
        if !anew && i64::from(entry.count) >= limit.max {
            return Counted::Denied(entry.last);
        }
        let count = if anew { 1 } else { entry.count.saturating_add(1) };
        *entry = Entry { count, ..fresh(key, now, limit) };
        return Counted::Allowed;
    }
    if let Some(entry) = set.iter_mut().min_by_key(|entry| entry.worth(now)) {
        *entry = fresh(key, now, limit);
    }
    Counted::Allowed
}

fn fresh(key: Key, now: i64, limit: Limit) -> Entry {
    let clamp = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
    Entry {
        last: now,
        tag: key.tag,
        database: key.database,
        count: 1,
        window: clamp(limit.window),
        max: clamp(limit.max),
    }
}

/// Takes back what was counted last, where something else has refused it after all.
pub(super) fn uncount(set: &mut Set, key: Key) {
    if let Some(entry) = set.iter_mut().find(|entry| entry.is(key)) {
        // At zero it is empty.
        entry.count -= 1;
    }
}

/// Empties the entries of a database.
pub(super) fn forget(set: &mut Set, database: u32) {
    for entry in set.iter_mut().filter(|entry| entry.database == database) {
        *entry = Entry::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Counted::{Allowed, Denied};
    use super::*;

    const LIMIT: Limit = Limit { window: 10, max: 3 };
    const NOW: i64 = 1_800_000_000_000;

    fn key(tag: u64) -> Key {
        Key { tag, database: 5 }
    }

    /// The answers to requests of one key at these moments, in seconds after `NOW`.
    fn answers(set: &mut Set, moments: &[i64]) -> Vec<Counted> {
        moments.iter().map(|second| count(set, key(1), NOW + second * 1_000, LIMIT)).collect()
    }

    fn is_known(set: &Set, tag: u64) -> bool {
        set.iter().any(|entry| entry.is(key(tag)))
    }

    #[test]
    fn a_window_ends_when_nothing_was_let_through_for_as_long() {
        let set = &mut Set::default();
        let denied = Denied(NOW + 9_000);
        // Who is let through moves the window; who is refused doesn't.
        assert_eq!(
            answers(set, &[0, 0, 9, 9, 18, 19, 19, 19, 19]),
            [Allowed, Allowed, Allowed, denied, denied, Allowed, Allowed, Allowed, Denied(NOW + 19_000)]
        );
    }

    #[test]
    fn a_window_is_over_to_the_millisecond() {
        let set = &mut Set::default();
        answers(set, &[0, 0, 0]);
        assert_eq!(count(set, key(1), NOW + 9_999, LIMIT), Denied(NOW));
        assert_eq!(count(set, key(1), NOW + 10_000, LIMIT), Allowed);
    }

    #[test]
    fn a_clock_that_goes_back_keeps_nobody_out_for_longer_than_a_window() {
        let set = &mut Set::default();
        answers(set, &[0, 0, 0]);
        assert_eq!(count(set, key(1), NOW - 9_999, LIMIT), Denied(NOW));
        assert_eq!(count(set, key(1), NOW - 3_600_000, LIMIT), Allowed);
        assert_eq!(count(set, key(1), i64::MIN, LIMIT), Allowed);
        assert_eq!(count(set, key(1), i64::MAX, LIMIT), Allowed);
    }

    #[test]
    fn limits_of_nothing() {
        let set = &mut Set::default();
        let none = Limit { window: 10, max: 0 };
        // As Better Auth, whose first request has no row to look at.
        assert_eq!(count(set, key(1), NOW, none), Allowed);
        assert_eq!(count(set, key(1), NOW, none), Denied(NOW));
        let always = Limit { window: 0, max: 1 };
        for _ in 0..5 {
            assert_eq!(count(set, key(2), NOW, always), Allowed);
        }
        let endless = Limit { window: i64::MAX, max: i64::MAX };
        assert_eq!(count(set, key(3), NOW, endless), Allowed);
    }

    #[test]
    fn databases_and_keys_are_apart() {
        let set = &mut Set::default();
        let other = Key { tag: 1, database: 6 };
        answers(set, &[0, 0, 0]);
        assert_eq!(count(set, key(2), NOW, LIMIT), Allowed);
        assert_eq!(count(set, other, NOW, LIMIT), Allowed);
        assert_eq!(count(set, key(1), NOW, LIMIT), Denied(NOW));
        forget(set, 5);
        assert!(!is_known(set, 1) && !is_known(set, 2));
        assert!(set.iter().any(|entry| entry.is(other)));
        assert_eq!(answers(set, &[0, 0, 0, 0]), [Allowed, Allowed, Allowed, Denied(NOW)]);
    }

    #[test]
    fn what_is_taken_back_was_not_counted() {
        let set = &mut Set::default();
        answers(set, &[0, 0, 0]);
        uncount(set, key(1));
        assert_eq!(answers(set, &[0, 0]), [Allowed, Denied(NOW)]);
        uncount(set, key(9));
        count(set, key(2), NOW, LIMIT);
        uncount(set, key(2));
        uncount(set, key(2));
        assert!(!is_known(set, 2));
    }

    #[test]
    fn what_nobody_needs_makes_room_first() {
        let set = &mut Set::default();
        // Full, and the first one is over.
        count(set, key(100), NOW - 10_000, LIMIT);
        for tag in 1..WAYS as u64 {
            count(set, key(tag), NOW - 9_000, LIMIT);
        }
        assert_eq!(count(set, key(200), NOW, LIMIT), Allowed);
        assert!(!is_known(set, 100) && is_known(set, 200));
        assert!((1..WAYS as u64).all(|tag| is_known(set, tag)));
    }

    #[test]
    fn then_what_was_let_through_longest_ago_and_last_what_refuses() {
        let set = &mut Set::default();
        // The oldest one refuses.
        answers(set, &[0, 0, 0]);
        for tag in 2..=WAYS as u64 {
            count(set, key(tag), NOW + 1_000 + tag.cast_signed(), LIMIT);
        }
        for newcomer in 100..1_000 {
            assert_eq!(
                count(set, key(newcomer), NOW + 2_000, LIMIT),
                Allowed,
                "nobody is refused for others"
            );
            assert!(is_known(set, newcomer));
        }
        assert!(!is_known(set, 2));
        assert_eq!(count(set, key(1), NOW + 2_000, LIMIT), Denied(NOW), "a flood frees nobody");
    }
}
