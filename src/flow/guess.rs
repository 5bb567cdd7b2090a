//! Guesses of short codes, counted where neither a rollback nor a new code takes them back.
//!
//! Better Auth counts in the code's own row, which a caller of PostgREST can have undone, and each new code begins at
//! nought: who asks for codes again and again may guess for ever. So guesses are counted in memory too: those of a
//! code, up to the attempts that Better Auth allows, and those of all codes under an identifier.

use crate::error::AuthError;
use crate::store::counter::{self, Counted, Limit};
use crate::store::server::Timestamp;
use crate::store::verification::{self, Verification};

/// How many codes' worth of wrong guesses an identifier has, until nobody has guessed for [`WINDOW`].
const CODES: i64 = 10;

/// In seconds.
const WINDOW: i64 = 3_600;

/// A code that is about to be compared with what somebody sent.
pub(crate) struct Code<'a> {
    /// The row's identifier: what the code is for, and whose.
    pub(crate) identifier: &'a str,
    /// The code as it is stored, which tells one from the next under the same identifier.
    pub(crate) stored: &'a str,
    /// How many wrong guesses it takes: Better Auth's `allowedAttempts`.
    pub(crate) allowed: i64,
    /// In seconds, from when it was made: no pause between two guesses of it is as long.
    pub(crate) lifetime: i64,
}

/// What a guess is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Guess {
    /// It counts, and the code may be compared.
    Counted,
    /// This code has had all its guesses.
    Spent,
    /// So have so many codes of this identifier that it has to rest.
    Resting,
}

impl Code<'_> {
    /// Counts a guess, before the code is compared with it.
    pub(crate) fn guess(&self) -> Guess {
        let now = Timestamp::now().unix_milliseconds();
        // Without memory the row alone counts, as in Better Auth; a warning has told of it.
        let count = |what: &str, limit| matches!(counter::count(what, now, limit), Some(Counted::Denied(_)));
        if count(&self.key(), Limit { window: self.lifetime.saturating_add(1), max: self.allowed }) {
            return Guess::Spent;
        }
        let max = self.allowed.saturating_mul(CODES);
        if count(&self.identifier_key(), Limit { window: WINDOW, max }) {
            counter::uncount(&self.key());
            return Guess::Resting;
        }
        Guess::Counted
    }

    /// Counts a guess of a code whose row was taken away; whether it may be compared. One that isn't looked at since
    /// others before it were guessed at goes back, and stays good.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn guess_taken(&self, taken: &Verification) -> Result<bool, AuthError> {
        let guess = self.guess();
        if guess == Guess::Resting {
            verification::put_back(self.identifier, taken, &taken.value)?;
        }
        Ok(guess == Guess::Counted)
    }

    /// Takes a guess back that was right, or that was not compared after all.
    pub(crate) fn give_back(&self) {
        counter::uncount(&self.key());
        counter::uncount(&self.identifier_key());
    }

    fn key(&self) -> String {
        format!("guess\0{}\0{}", self.identifier, self.stored)
    }

    fn identifier_key(&self) -> String {
        format!("guesses\0{}", self.identifier)
    }
}
