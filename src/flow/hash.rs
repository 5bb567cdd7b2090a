//! Password hashes as the flows use them: with fresh salt, and at the same cost for everyone.

use pgrx::PgSqlErrorCode;
use std::cell::{Cell, RefCell};

use crate::crypto::password::{self, Cost, Spelling, Stored};
use crate::error::AuthError;
use crate::flow::input::check_not_too_long;
use crate::flow::secrets::{self, Name};
use crate::flow::session::Caller;
use crate::plugin;
use crate::settings;
use crate::store::account;
use crate::store::server::{Timestamp, fill_random, log};
use crate::store::slot::with_slot;

/// How long a backend goes by what it has seen of the stored hashes, in seconds.
const MIX_AGE: i64 = 600;

/// A new hash of `password` in the form that the setting names.
///
/// # Errors
/// PASSWORD_TOO_LONG, no randomness or no memory.
pub(crate) fn hash(password: &str) -> Result<String, AuthError> {
    check_not_too_long(password)?;
    let mut salt = [0u8; 16];
    fill_random(&mut salt)?;
    Ok(with_slot(|| password::hash(password, settings::password_hash(), &salt))?)
}

/// The same of a password that somebody has just chosen, once plugins have been asked about it.
///
/// # Errors
/// As [`hash`], and what plugins refuse.
pub(crate) fn hash_chosen(caller: &mut dyn Caller, password: &str) -> Result<String, AuthError> {
    plugin::before_hash(caller, password)?;
    hash(password)
}

/// Spends what a hash costs, so that the time of the answer doesn't tell that there was nothing to
/// verify.
///
/// # Errors
/// No memory.
pub(crate) fn spend(password: &str) -> Result<(), AuthError> {
    spend_as(own_cost(), password)
}

fn own_cost() -> Cost {
    Cost::of(settings::password_hash())
}

fn spend_as(cost: Cost, password: &str) -> Result<(), AuthError> {
    Ok(with_slot(|| cost.spend(password))?)
}

/// Whether `password` is the one of `stored`. Without a stored hash, or with one that can't be read, it
/// is not, at the price of one hash.
///
/// # Errors
/// PASSWORD_TOO_LONG, or no memory.
pub(crate) fn verify(password: &str, stored: Option<&str>) -> Result<bool, AuthError> {
    compare(password, stored, own_cost()).map(|spelling| spelling.is_some())
}

/// Which spelling of `password` is the one of `stored`, for who isn't known yet: where there is nothing to verify, that
/// takes the time that it takes for one of the users, always the same for a `name`. Otherwise the time would tell names
/// that somebody has as long as imported hashes, or a Better Auth server's, are of another cost than new ones.
///
/// # Errors
/// As [`verify`], and no table.
pub(crate) fn verify_unknown(
    name: &str,
    password: &str,
    stored: Option<&str>,
) -> Result<Option<Spelling>, AuthError> {
    // For known names too, so that they take as long.
    let decoy = decoy(name)?;
    compare(password, stored, decoy)
}

/// Better Auth and this extension hash the NFKC of a password, other systems what was typed. A password of which these
/// differ is tried both ways, and costs two hashes wherever it is wrong: one more tells nothing.
fn compare(password: &str, stored: Option<&str>, decoy: Cost) -> Result<Option<Spelling>, AuthError> {
    check_not_too_long(password)?;
    let has_two = !password::is_normalised(password);
    let stored = stored.and_then(readable);
    let cost = stored.as_ref().map_or(decoy, Stored::cost);
    let is = |spelling| match &stored {
        Some(stored) => Ok::<_, AuthError>(with_slot(|| stored.verify(password, spelling))?),
        None => spend_as(cost, password).map(|()| false),
    };
    if is(Spelling::Normalised)? {
        return Ok(Some(Spelling::Normalised));
    }
    if has_two && cost.may_be_foreign() {
        return Ok(is(Spelling::Typed)?.then_some(Spelling::Typed));
    }
    if has_two {
        spend(password)?;
    }
    Ok(None)
}

/// The stored hash taken apart. The DBA is told of one that can't be, once a connection: nobody signs in with it.
fn readable(stored: &str) -> Option<Stored<'_>> {
    thread_local! {
        static IS_TOLD: Cell<bool> = const { Cell::new(false) };
    }
    let parsed = Stored::parse(stored).ok();
    if parsed.is_none() && !IS_TOLD.replace(true) {
        log(
            PgSqlErrorCode::ERRCODE_WARNING,
            "a password hash was not verified: it is of no known form, or asks for too much work",
        );
    }
    parsed
}

/// Whether the stored hash should be made anew, now that its password is known: the setting asks for a better one, or
/// another system made it of what was typed, where ours is good for every spelling.
pub(super) fn is_outdated(stored: &str, spelling: Spelling) -> bool {
    spelling == Spelling::Typed
        || Stored::parse(stored).is_ok_and(|stored| stored.is_outdated(settings::password_hash()))
}

/// Costs, and how many of the hashes that were looked at are of each.
type Mix = Vec<(Cost, u32)>;

/// What nobody's hash costs under this name: as many names get each cost as there are users with it. Which ones
/// nobody can tell without the secret that signs cookies.
fn decoy(name: &str) -> Result<Cost, AuthError> {
    thread_local! {
        static MIX: RefCell<Option<(Timestamp, Mix)>> = const { RefCell::new(None) };
    }
    let now = Timestamp::now();
    let is_fresh = |seen: &(Timestamp, Mix)| (seen.0..seen.0.plus(MIX_AGE)).contains(&now);
    if !MIX.with_borrow(|mix| mix.as_ref().is_some_and(is_fresh)) {
        let mix = mix(account::some_passwords()?.iter().map(|stored| stored.as_str()));
        MIX.set(Some((now, mix)));
    }
    MIX.with_borrow(|seen| {
        let mix = seen.as_ref().map(|(_, mix)| mix.as_slice()).unwrap_or_default();
        // Most databases have hashes of one cost.
        match mix {
            [] => Ok(own_cost()),
            [(only, _)] => Ok(*only),
            mix => {
                let message = format!("decoy\0{name}");
                let number =
                    secrets::with_signing_key(Name::Cookie, |key| key.numbers(message.as_bytes())[0]);
                // A sign-in needs no such secret.
                Ok(number.ok().and_then(|number| pick(mix, number)).unwrap_or_else(own_cost))
            }
        }
    })
}

/// The costs of these hashes, in an order that doesn't change with theirs.
fn mix<'a>(stored: impl Iterator<Item = &'a str>) -> Mix {
    let mut costs: Vec<Cost> = stored.filter_map(|stored| Some(Stored::parse(stored).ok()?.cost())).collect();
    costs.sort_unstable();
    let same = costs.chunk_by(|one, other| one == other);
    same.filter_map(|same| Some((*same.first()?, u32::try_from(same.len()).ok()?))).collect()
}

/// One of the costs; of all numbers, each gets its share.
fn pick(mix: &[(Cost, u32)], number: u64) -> Option<Cost> {
    let all: u64 = mix.iter().map(|(_, count)| u64::from(*count)).sum();
    let mut place = (u128::from(number) * u128::from(all)) >> 64;
    for (cost, count) in mix {
        match place.checked_sub(u128::from(*count)) {
            Some(rest) => place = rest,
            None => return Some(*cost),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{mix, pick};
    use crate::crypto::password::Cost;

    const TEN: &str = "$2b$10$aaaaaaaaaaaaaaaaaaaaa.XNlF5OOgZYHH.o.EqUoBOBJLSfIvAjy";
    const ARGON2: &str =
        "$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$pn6tOxWKhDtkm3W0hCKWEVa35smozgan3wTSXesqEao";

    #[test]
    fn each_cost_gets_its_share_of_the_names() {
        let four = TEN.replace("$10$", "$04$");
        let mixed = mix([TEN, "nonsense", ARGON2, &four, TEN].into_iter());
        let argon2 = Cost::Argon2 { memory: 1024, passes: 2, lanes: 1 };
        let [small, large] = [4, 10].map(|rounds| Cost::Bcrypt { rounds });
        assert_eq!(mixed, [(argon2, 1), (small, 1), (large, 2)]);
        assert_eq!(mixed, mix([&four, TEN, TEN, ARGON2].into_iter()));
        let quarter = 1 << 62;
        for (number, cost) in [
            (0, argon2),
            (quarter - 1, argon2),
            (quarter, small),
            (2 * quarter - 1, small),
            (2 * quarter, large),
            (u64::MAX, large),
        ] {
            assert_eq!(pick(&mixed, number), Some(cost), "{number}");
        }
        assert_eq!(pick(&[], 7), None);
        assert_eq!(mix(["", "x"].into_iter()), []);
    }
}
