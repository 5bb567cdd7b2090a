//! Password hashes: Better Auth's scrypt, argon2id in PHC form, and bcrypt for imported users.

use argon2::{Argon2, Params, Version};
use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine};
use std::cell::{Cell, RefCell};
use std::str::FromStr;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::memory::Memory;
use super::random::lower_hex;

/// argon2id's memory in KiB: OWASP's recommendation, and the crate's own default.
const ARGON2_M: u32 = 19_456;
/// argon2id's passes over the memory (OWASP).
const ARGON2_T: u32 = 2;
/// argon2id's lanes (OWASP).
const ARGON2_P: u32 = 1;

/// Better Auth's scrypt: N = 2^14.
const SCRYPT_LOG_N: u8 = 14;
/// Better Auth's scrypt: r.
const SCRYPT_R: u32 = 16;
/// Better Auth's scrypt: p.
const SCRYPT_P: u32 = 1;
/// Better Auth's scrypt: 64 bytes of key, 128 characters of hex.
const SCRYPT_KEY: usize = 64;

/// The most that a stored argon2 hash may ask for, so that an imported row can't take the server's memory, or a core
/// for more than about a second, in which nothing can interrupt it: 256 MiB, 16 lanes, and KiB times passes, which is
/// what time goes with.
const ARGON2_MEMORY: u32 = 1 << 18;
const ARGON2_LANES: u32 = 16;
const ARGON2_WORK: u64 = 1 << 20;
/// The same for bcrypt: 2^14 rounds.
const BCRYPT_LIMIT: u32 = 14;
/// The longest stored hash that is looked at, in bytes; the longest that is made has 161.
const MAX_STORED: usize = 2_048;

/// What new hashes are made with: the setting `better_auth.password_hash`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Algorithm {
    /// argon2id in PHC form.
    Argon2id,
    /// scrypt in Better Auth's form, which a running Better Auth server can verify too.
    Scrypt,
}

/// Why a hash could not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HashError {
    /// The memory that the algorithm needs can't be had.
    OutOfMemory,
    /// The algorithm refused its parameters, which are constants: it can't happen.
    Parameters,
}

/// A stored hash, taken apart. Only [`Stored::parse`] makes one, so its parameters are in bounds.
#[derive(Debug)]
pub(crate) struct Stored<'a>(Form<'a>);

#[derive(Debug)]
enum Form<'a> {
    Scrypt { salt: &'a str, key: Vec<u8> },
    Argon2 { algorithm: argon2::Algorithm, version: Version, params: Params, salt: Vec<u8>, key: Vec<u8> },
    Bcrypt { hash: &'a str, rounds: u32 },
}

/// What the time of a key derivation goes with. Ordered, so that a list of them has one order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Cost {
    Scrypt,
    Argon2 {
        /// KiB.
        memory: u32,
        passes: u32,
        lanes: u32,
    },
    Bcrypt {
        /// The logarithm of the rounds.
        rounds: u32,
    },
}

thread_local! {
    /// argon2's working memory, 19 MiB.
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
    /// How many times a key derivation ran in this backend. The tests count by it that an unknown
    /// user costs what a known one does.
    static DERIVATIONS: Cell<u64> = const { Cell::new(0) };
    /// What the last one cost.
    static LAST: Cell<Option<Cost>> = const { Cell::new(None) };
}

/// How many key derivations this thread has run.
#[cfg(any(test, feature = "pg_test"))]
pub(crate) fn derivations() -> u64 {
    DERIVATIONS.get()
}

/// What the last key derivation of this thread cost.
#[cfg(any(test, feature = "pg_test"))]
pub(crate) fn last_cost() -> Option<Cost> {
    LAST.get()
}

/// The password's length as Better Auth counts it: in UTF-16 code units.
pub(crate) fn length(password: &str) -> usize {
    password.encode_utf16().count()
}

/// NFKC, as Better Auth does before hashing, so that both ways to type an `é` are one password.
fn normalised(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfkc().collect())
}

/// A hash of `password` in the form that `algorithm` stores. `salt` must be fresh random bytes.
///
/// # Errors
/// [`HashError::OutOfMemory`] when 19 MiB (argon2id) or 32 MiB (scrypt) can't be had.
pub(crate) fn hash(password: &str, algorithm: Algorithm, salt: &[u8; 16]) -> Result<String, HashError> {
    let password = normalised(password);
    match algorithm {
        Algorithm::Argon2id => {
            let params =
                Params::new(ARGON2_M, ARGON2_T, ARGON2_P, None).map_err(|_| HashError::Parameters)?;
            let mut key = [0u8; Params::DEFAULT_OUTPUT_LEN];
            argon2_key(argon2::Algorithm::Argon2id, Version::V0x13, params, &password, salt, &mut key)?;
            Ok(format!(
                "$argon2id$v=19$m={ARGON2_M},t={ARGON2_T},p={ARGON2_P}${}${}",
                BASE64_STANDARD_NO_PAD.encode(salt),
                BASE64_STANDARD_NO_PAD.encode(key),
            ))
        }
        Algorithm::Scrypt => {
            // The salt is the hexadecimal string itself, not the bytes that it spells.
            let salt = lower_hex(salt);
            let key = scrypt_key(&password, &salt)?;
            Ok(format!("{salt}:{}", lower_hex(key.as_slice())))
        }
    }
}

impl Cost {
    /// That of a hash which is made now.
    pub(crate) const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Argon2id => Self::Argon2 { memory: ARGON2_M, passes: ARGON2_T, lanes: ARGON2_P },
            Algorithm::Scrypt => Self::Scrypt,
        }
    }

    /// Whether another system may have made such a hash: of a password as it was typed.
    pub(crate) const fn may_be_foreign(self) -> bool {
        !matches!(self, Self::Scrypt)
    }

    /// Takes the time of verifying a hash of this cost.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`] when its memory can't be had.
    pub(crate) fn spend(self, password: &str) -> Result<(), HashError> {
        let password = normalised(password);
        match self {
            Self::Scrypt => scrypt_key(&password, &"0".repeat(32)).map(drop),
            Self::Argon2 { memory, passes, lanes } => {
                let params = Params::new(memory, passes, lanes, None).map_err(|_| HashError::Parameters)?;
                let mut key = Zeroizing::new([0u8; Params::DEFAULT_OUTPUT_LEN]);
                let algorithm = argon2::Algorithm::Argon2id;
                argon2_key(algorithm, Version::V0x13, params, &password, &[0; 16], key.as_mut_slice())
            }
            Self::Bcrypt { rounds } => {
                bcrypt_matches(&password, &format!("$2b${rounds:02}${}", ".".repeat(53)), rounds);
                Ok(())
            }
        }
    }
}

/// Which spelling of a password is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spelling {
    /// As Better Auth and this extension hash it: NFKC.
    Normalised,
    /// As it was typed, which is what other systems hash.
    Typed,
}

/// Whether a password has two spellings.
pub(crate) fn is_normalised(password: &str) -> bool {
    *normalised(password) == *password
}

impl<'a> Stored<'a> {
    /// What it costs to verify it.
    pub(crate) fn cost(&self) -> Cost {
        match &self.0 {
            Form::Scrypt { .. } => Cost::Scrypt,
            Form::Argon2 { params, .. } => argon2_cost(params),
            Form::Bcrypt { rounds, .. } => Cost::Bcrypt { rounds: *rounds },
        }
    }

    /// Whether `password` is the one that this hash was made of.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`] when the memory that the hash asks for can't be had.
    pub(crate) fn verify(&self, password: &str, spelling: Spelling) -> Result<bool, HashError> {
        let password = match spelling {
            Spelling::Normalised => normalised(password),
            Spelling::Typed => Zeroizing::new(password.to_owned()),
        };
        match &self.0 {
            Form::Scrypt { salt, key } => {
                let found = scrypt_key(&password, salt)?;
                Ok(found.ct_eq(key.as_slice()).into())
            }
            Form::Argon2 { algorithm, version, params, salt, key } => {
                let mut found = Zeroizing::new(vec![0u8; key.len()]);
                argon2_key(*algorithm, *version, params.clone(), &password, salt, &mut found)?;
                Ok(found.ct_eq(key.as_slice()).into())
            }
            Form::Bcrypt { hash, rounds } => Ok(bcrypt_matches(&password, hash, *rounds)),
        }
    }

    /// Whether the setting asks for another form, or for more work, than this hash has. Sign-in then
    /// stores a new one, the only moment at which the password is known.
    pub(crate) fn is_outdated(&self, wanted: Algorithm) -> bool {
        match (&self.0, wanted) {
            (Form::Scrypt { .. }, Algorithm::Scrypt) => false,
            (Form::Argon2 { algorithm, version, params, .. }, Algorithm::Argon2id) => {
                *algorithm != argon2::Algorithm::Argon2id
                    || *version != Version::V0x13
                    || params.m_cost() < ARGON2_M
                    || params.t_cost() < ARGON2_T
            }
            _ => true,
        }
    }

    /// Reads a stored hash.
    ///
    /// # Errors
    /// None of the three forms, or parameters beyond what this server will spend on one sign-in.
    pub(crate) fn parse(stored: &'a str) -> Result<Self, Malformed> {
        if stored.len() > MAX_STORED {
            return Err(Malformed);
        }
        let form = if stored.starts_with("$argon2") {
            argon2_form(stored)
        } else if stored.starts_with("$2") {
            bcrypt_form(stored)
        } else {
            scrypt_form(stored)
        };
        form.map(Self).ok_or(Malformed)
    }
}

/// A stored hash that is none of the known forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

fn count_derivation(cost: Cost) {
    DERIVATIONS.set(DERIVATIONS.get() + 1);
    LAST.set(Some(cost));
}

fn argon2_cost(params: &Params) -> Cost {
    Cost::Argon2 { memory: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() }
}

fn bcrypt_matches(password: &str, hash: &str, rounds: u32) -> bool {
    count_derivation(Cost::Bcrypt { rounds });
    // bcrypt itself reads 72 bytes of a password; a hash made elsewhere knows no more.
    bcrypt::verify(password.as_bytes(), hash).unwrap_or(false)
}

fn argon2_key(
    algorithm: argon2::Algorithm,
    version: Version,
    params: Params,
    password: &str,
    salt: &[u8],
    key: &mut [u8],
) -> Result<(), HashError> {
    count_derivation(argon2_cost(&params));
    let count = params.block_count();
    let work = |memory: &mut Memory| {
        Argon2::new(algorithm, version, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, key, memory.blocks(count)?)
            .map_err(|_| HashError::Parameters)
    };
    // Only what our own hashes need is worth keeping.
    if count > ARGON2_M as usize {
        return work(&mut Memory::new());
    }
    MEMORY.with_borrow_mut(|memory| {
        let done = work(memory);
        memory.give_back();
        done
    })
}

fn scrypt_key(password: &str, salt: &str) -> Result<Zeroizing<[u8; SCRYPT_KEY]>, HashError> {
    count_derivation(Cost::Scrypt);
    // The crate allocates with `vec!`, which aborts the process when there is no memory. A
    // reservation of the same size first makes that an error.
    let mut probe = Vec::<u8>::new();
    probe.try_reserve_exact((128 * SCRYPT_R as usize) << SCRYPT_LOG_N).map_err(|_| HashError::OutOfMemory)?;
    drop(probe);
    let params = scrypt::Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P).map_err(|_| HashError::Parameters)?;
    let mut key = Zeroizing::new([0u8; SCRYPT_KEY]);
    scrypt::scrypt(password.as_bytes(), salt.as_bytes(), &params, key.as_mut_slice())
        .map_err(|_| HashError::Parameters)?;
    Ok(key)
}

/// `salt_hex:key_hex`. Better Auth ignores a third part, and compares the hex with its case.
fn scrypt_form(stored: &str) -> Option<Form<'_>> {
    let mut parts = stored.split(':');
    let (salt, key) = (parts.next()?, parts.next()?);
    if salt.is_empty() || key.len() != 2 * SCRYPT_KEY {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let key = key
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect::<Option<Vec<u8>>>()?;
    Some(Form::Scrypt { salt, key })
}

/// PHC: `$argon2id$v=19$m=19456,t=2,p=1$salt$key`.
fn argon2_form(stored: &str) -> Option<Form<'_>> {
    let mut parts = stored.strip_prefix('$')?.split('$');
    let algorithm = argon2::Algorithm::new(parts.next()?).ok()?;
    let mut part = parts.next()?;
    // Hashes from before argon2's version 1.3 leave the version out.
    let version = match part.strip_prefix("v=") {
        Some(version) => {
            part = parts.next()?;
            Version::try_from(u32::from_str(version).ok()?).ok()?
        }
        None => Version::V0x10,
    };
    let mut costs = part.split(',');
    let mut cost = |name: &str| u32::from_str(costs.next()?.strip_prefix(name)?.strip_prefix('=')?).ok();
    let (m, t, p) = (cost("m")?, cost("t")?, cost("p")?);
    let is_greedy = m > ARGON2_MEMORY || p > ARGON2_LANES || u64::from(m) * u64::from(t) > ARGON2_WORK;
    if costs.next().is_some() || is_greedy {
        return None;
    }
    let salt = BASE64_STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let key = BASE64_STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    if parts.next().is_some() || salt.len() < argon2::MIN_SALT_LEN || !(16..=512).contains(&key.len()) {
        return None;
    }
    let params = Params::new(m, t, p, Some(key.len())).ok()?;
    Some(Form::Argon2 { algorithm, version, params, salt, key })
}

/// `$2b$12$` and 53 characters; `$2a$`, `$2x$` and `$2y$` are read as well.
fn bcrypt_form(stored: &str) -> Option<Form<'_>> {
    let parts = bcrypt::HashParts::from_str(stored).ok()?;
    let rounds = parts.get_cost();
    (stored.len() == 60 && rounds <= BCRYPT_LIMIT).then_some(Form::Bcrypt { hash: stored, rounds })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn matches(password: &str, stored: &str) -> bool {
        Stored::parse(stored).unwrap().verify(password, Spelling::Normalised).unwrap()
    }

    /// Better Auth's own hashes, `better-auth/vectors.json` of the recordings (1.7.25).
    #[test]
    fn scrypt_verifies_what_better_auth_made() {
        let vectors = [
            (
                "password1234",
                "de710638b3e0896fe5a5d15334a113ae:2647966bb9b374d0e62aa1dda6e8e6131df016bceb2228632ab5ec98a227ec749158d4e0a108568c275598314ec542df833ec1874be2d37e0fd7de1e98caf615",
            ),
            (
                "pässwörd-ﬁ-①-Ａ",
                "9787f4caee0e1020dff0dd935481ecb5:0fa85ccf253ee79e89b251124944cacf91a2d3a71189b66df541eb5a37a425a222b8220cf8298674f31bfc52df21241a3052bc3a20d569196196faa8764800fb",
            ),
            (
                "😀😀😀😀",
                "42526232f119597d483508d90e54a4f8:ce997ac7e62007a3c79798ffcab52d87f1ba781dd8e558aed80b62ec03941d9af366be31b0b7f404e1356af1491cfe3a6acdbc368ef1b4b29e277d84ad725eb5",
            ),
            (
                "\0nul\0byte",
                "7842e4624f5fd85c2ba09c780de75303:d4b2fee2d02c68063e9a79c41a45385b517f4023e88ef2bfe590234b07c4b81b73f8ec9a3466343e802fef7ec0b293d4b043f7ba15cf64d6548bac0040368d00",
            ),
        ];
        for (password, stored) in vectors {
            assert!(matches(password, stored), "{password}");
            assert!(!matches("password1235", stored), "{password}");
        }
    }

    #[test]
    fn scrypt_makes_what_better_auth_makes() {
        let salt: [u8; 16] = std::array::from_fn(|i| i as u8);
        assert_eq!(
            hash("password1234", Algorithm::Scrypt, &salt).unwrap(),
            "000102030405060708090a0b0c0d0e0f:d19e1ab00945c2d478363ca443b72fb3e2c9af5d0ca0f2315bbf973d89852985b41cd84cc306730215feaa36e1e406aeb1e39775cf8cd1a3027cc30a931ed0ac"
        );
    }

    /// The hash is Python's argon2-cffi's, which is libargon2.
    #[test]
    fn argon2id_verifies_another_librarys_hash_and_its_own() {
        assert!(matches(
            "password1234",
            "$argon2id$v=19$m=1024,t=2,p=2$Y8X2resKQ/R/qSXwKu4iEA$vzaMDIUQMQ15ycI4XJyM3xRRnmF3Hr4epFOPpFF9208"
        ));
        let stored = hash("password1234", Algorithm::Argon2id, &[7; 16]).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{stored}");
        assert!(matches("password1234", &stored));
        assert!(!matches("Password1234", &stored));
    }

    #[test]
    fn bcrypt_verifies_an_imported_hash() {
        // One of jBCrypt's test vectors, and the same one character short.
        let stored = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
        assert!(matches("abc", stored));
        assert!(Stored::parse(&stored[..59]).is_err());
        let stored = bcrypt::hash("password1234", 4).unwrap();
        assert!(matches("password1234", &stored));
        assert!(!matches("password1235", &stored));
        assert!(matches("password1234", &stored.replacen("$2b$", "$2y$", 1)));
    }

    #[test]
    fn both_spellings_of_an_accent_are_one_password() {
        let stored = hash("p\u{e4}ssw\u{f6}rd", Algorithm::Argon2id, &[1; 16]).unwrap();
        assert!(matches("pa\u{308}sswo\u{308}rd", &stored));
    }

    #[test]
    fn lengths_are_utf_16_units() {
        assert_eq!(length("😀😀😀😀"), 8);
        assert_eq!(length("pässwörd"), 8);
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let argon2 = "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(Stored::parse(argon2).is_ok());
        for stored in [
            "",
            "plain",
            "salt:",
            ":00",
            "salt:zz",
            "aa:DE710638",
            "$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw",
            "$argon2id$v=19$m=19456,t=2$BwcHBwcHBwcHBwcHBwcHBw$AAAA",
            "$argon2id$v=99$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2q$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$2b$31$abcdefghijklmnopqrstuuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01",
            "$2b$04$short",
        ] {
            assert_eq!(Stored::parse(stored).err(), Some(Malformed), "{stored}");
        }
        // What other systems make by default is within the limits; what takes a core for long, or all memory, isn't.
        for within in ["m=65536,t=4,p=1", "m=102400,t=2,p=8", "m=262144,t=3,p=1", "m=65536,t=3,p=4"] {
            assert!(Stored::parse(&argon2.replace("m=19456,t=2,p=1", within)).is_ok(), "{within}");
        }
        for greedy in [
            "m=1048576,t=64,p=16",
            "m=1048576,t=4,p=1",
            "m=4194304,t=1,p=1",
            "m=262144,t=5,p=1",
            "m=8,t=4294967295,p=1",
            "m=19456,t=54,p=1",
            "m=19456,t=2,p=17",
            "m=4294967295,t=4294967295,p=16777215",
        ] {
            let stored = argon2.replace("m=19456,t=2,p=1", greedy);
            assert_eq!(Stored::parse(&stored).err(), Some(Malformed), "{greedy}");
        }
        let bcrypt = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
        assert!(Stored::parse(&bcrypt.replace("$06$", "$14$")).is_ok());
        assert!(Stored::parse(&bcrypt.replace("$06$", "$15$")).is_err());
    }

    #[test]
    fn weaker_and_foreign_forms_are_outdated() {
        let argon2 = hash("password1234", Algorithm::Argon2id, &[7; 16]).unwrap();
        let scrypt = hash("password1234", Algorithm::Scrypt, &[7; 16]).unwrap();
        let weak = argon2.replace("m=19456", "m=8192");
        let outdated = |stored: &str, wanted| Stored::parse(stored).unwrap().is_outdated(wanted);
        assert!(!outdated(&argon2, Algorithm::Argon2id));
        assert!(outdated(&weak, Algorithm::Argon2id));
        assert!(outdated(&scrypt, Algorithm::Argon2id));
        assert!(!outdated(&scrypt, Algorithm::Scrypt));
        assert!(outdated(&argon2, Algorithm::Scrypt));
    }

    #[test]
    fn a_cost_is_spent_as_a_hash_of_it_is_verified() {
        let argon2 = "$argon2id$v=19$m=1024,t=2,p=2$Y8X2resKQ/R/qSXwKu4iEA$vzaMDIUQMQ15ycI4XJyM3xRRnmF3Hr4epFOPpFF9208";
        for (stored, cost) in [
            (argon2.to_owned(), Cost::Argon2 { memory: 1024, passes: 2, lanes: 2 }),
            (bcrypt::hash("x", 4).unwrap(), Cost::Bcrypt { rounds: 4 }),
            (hash("x", Algorithm::Scrypt, &[7; 16]).unwrap(), Cost::of(Algorithm::Scrypt)),
            (hash("x", Algorithm::Argon2id, &[7; 16]).unwrap(), Cost::of(Algorithm::Argon2id)),
        ] {
            let stored = Stored::parse(&stored).unwrap();
            assert_eq!(stored.cost(), cost);
            assert!(!stored.verify("wrong", Spelling::Normalised).unwrap());
            assert_eq!(last_cost(), Some(cost));
            LAST.set(None);
            let before = derivations();
            // bcrypt reads no more than 72 bytes, and an empty one too.
            for password in ["wrong", "", &"x".repeat(200), "\0"] {
                cost.spend(password).unwrap();
                assert_eq!(last_cost(), Some(cost));
            }
            assert_eq!(derivations() - before, 4);
        }
        // It is a hash to the library, not one that it gives up on before the work.
        let decoy = format!("$2b$04${}", ".".repeat(53));
        assert!(bcrypt::verify("wrong", &decoy).is_ok());
    }

    #[test]
    fn every_form_counts_one_derivation() {
        let stored = hash("password1234", Algorithm::Argon2id, &[7; 16]).unwrap();
        let before = derivations();
        matches("password1234", &stored);
        matches("password1234", &hash("x", Algorithm::Scrypt, &[7; 16]).unwrap());
        assert_eq!(derivations() - before, 3);
    }
}
