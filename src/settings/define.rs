//! How settings are declared, checked and defined in PostgreSQL.

use pgrx::guc::GucEnum;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PgSqlErrorCode, pg_sys};
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{AdditionalField, RateLimit, additional_fields, list, parse_rules};
use crate::names::Names;
use crate::plugin;
use crate::plugin::access::{self, Roles};

/// The longest duration that a setting may hold: ten years, in seconds.
const LONGEST: i32 = 10 * 366 * 86_400;

/// Declares settings: `"prefix_"; kind name = default, c"short", c"long"; ...`. Each gets a function of its name that
/// reads it; `define()` defines all, and says whether every value that was given for one before took effect. Only a
/// superuser sets them, unless another context stands before the name: `@Userset`.
macro_rules! settings {
    ($prefix:literal; $($kind:ident $(($choice:ty))? $(@$context:ident $(| $flag:ident)?)? $name:ident = $default:expr, $short:literal, $long:literal;)*) => {
        $(
            mod $name {
                #[allow(unused_imports, reason = "choices")]
                use super::*;
                pub(super) static SETTING: pgrx::GucSetting<$crate::settings::settings!(@value $kind $($choice)?)> =
                    pgrx::GucSetting::<$crate::settings::settings!(@value $kind $($choice)?)>::new($default);
            }

            #[doc = concat!("The value of `better_auth.", $prefix, stringify!($name), "`.")]
            #[allow(dead_code, reason = "one is read without a copy")]
            pub(crate) fn $name() -> $crate::settings::settings!(@read $kind $($choice)?) {
                $crate::settings::define::read::$kind(&$name::SETTING)
            }
        )*

        /// Defines all settings; whether every value that was given for one before took effect.
        pub(crate) fn define() -> bool {
            let mut all = true;
            $(
                all &= $crate::settings::define::defined(
                    concat!("better_auth.", $prefix, stringify!($name), "\0"),
                    // SAFETY: the hooks are plain functions that raise nothing.
                    |name| unsafe {
                        $crate::settings::define::$kind(
                            name, $short, $long, &$name::SETTING,
                            $crate::settings::settings!(@context $($context)?),
                            $crate::settings::settings!(@flags $($($flag)?)?),
                        )
                    },
                );
            )*
            all
        }
    };
    (@value flag) => { bool };
    (@value column_flag) => { bool };
    (@value seconds) => { i32 };
    (@value length) => { i32 };
    (@value key_length) => { i32 };
    (@value count) => { i32 };
    (@value share) => { f64 };
    (@value digits) => { i32 };
    (@value limit) => { i32 };
    (@value bits) => { i32 };
    (@value slots) => { i32 };
    (@value modulus) => { i32 };
    (@value choice $choice:ty) => { $choice };
    (@value $text:ident) => { Option<std::ffi::CString> };
    (@read flag) => { bool };
    (@read column_flag) => { bool };
    (@read seconds) => { i64 };
    (@read length) => { usize };
    (@read key_length) => { usize };
    (@read count) => { i32 };
    (@read share) => { f64 };
    (@read digits) => { u32 };
    (@read limit) => { Option<i64> };
    (@read bits) => { u8 };
    (@read slots) => { u32 };
    (@read modulus) => { usize };
    (@read fields) => { Vec<$crate::settings::AdditionalField> };
    (@read rules) => { Vec<(String, Option<$crate::settings::RateLimit>)> };
    (@read choice $choice:ty) => { $choice };
    (@read $text:ident) => { Option<String> };
    (@context) => { pgrx::GucContext::Suset };
    (@context $context:ident) => { pgrx::GucContext::$context };
    (@flags) => { pgrx::GucFlags::empty() };
    (@flags $flag:ident) => { pgrx::GucFlags::$flag };
}
pub(crate) use settings;

/// How each kind is read.
pub(crate) mod read {
    use super::*;

    pub(crate) fn flag(setting: &GucSetting<bool>) -> bool {
        setting.get()
    }

    /// In seconds.
    pub(crate) fn seconds(setting: &GucSetting<i32>) -> i64 {
        setting.get().into()
    }

    pub(crate) fn length(setting: &GucSetting<i32>) -> usize {
        usize::try_from(setting.get()).unwrap_or_default()
    }

    pub(crate) use length as key_length;
    pub(crate) use length as modulus;

    pub(crate) fn count(setting: &GucSetting<i32>) -> i32 {
        setting.get()
    }

    pub(crate) fn share(setting: &GucSetting<f64>) -> f64 {
        setting.get()
    }

    pub(crate) fn digits(setting: &GucSetting<i32>) -> u32 {
        setting.get().unsigned_abs()
    }

    /// `None` for -1, which is no limit.
    pub(crate) fn limit(setting: &GucSetting<i32>) -> Option<i64> {
        Some(setting.get()).filter(|limit| *limit >= 0).map(i64::from)
    }

    pub(crate) fn bits(setting: &GucSetting<i32>) -> u8 {
        u8::try_from(setting.get()).unwrap_or_default()
    }

    pub(crate) fn slots(setting: &GucSetting<i32>) -> u32 {
        setting.get().unsigned_abs()
    }

    pub(crate) fn choice<T: GucEnum>(setting: &GucSetting<T>) -> T {
        setting.get()
    }

    /// `None` where it is unset, empty or not UTF-8.
    pub(crate) fn text(setting: &GucSetting<Option<CString>>) -> Option<String> {
        setting.get().and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
    }

    pub(crate) use flag as column_flag;
    pub(crate) use text as url;
    pub(crate) use text as https_url;
    pub(crate) use text as path;
    pub(crate) use text as models;
    pub(crate) use text as columns;
    pub(crate) use text as plugins;
    pub(crate) use text as roles;
    pub(crate) use text as watched;
    pub(crate) use text as statements;

    pub(crate) fn fields(setting: &GucSetting<Option<CString>>) -> Vec<AdditionalField> {
        additional_fields(&text(setting).unwrap_or_default())
    }

    pub(crate) fn rules(setting: &GucSetting<Option<CString>>) -> Vec<(String, Option<RateLimit>)> {
        text(setting).and_then(|rules| parse_rules(&rules)).unwrap_or_default()
    }
}

macro_rules! numbers {
    ($($kind:ident $least:literal $most:expr, $flags:expr;)*) => {$(
        /// # Safety
        /// As of [`defined`].
        pub(crate) unsafe fn $kind(
            name: &'static CStr,
            short: &'static CStr,
            long: &'static CStr,
            setting: &'static GucSetting<i32>,
            context: GucContext,
            flags: GucFlags,
        ) {
            // SAFETY: the hook is a plain function that raises nothing.
            unsafe {
                GucRegistry::define_int_guc_with_hooks(
                    name, short, long, setting, $least, $most, context, flags | $flags, Some(accepted), None, None,
                );
            }
        }
    )*};
}

numbers! {
    seconds 0 LONGEST, GucFlags::UNIT_S;
    length 1 4096, GucFlags::empty();
    key_length 1 191, GucFlags::empty();
    count 1 1_000_000, GucFlags::empty();
    digits 1 8, GucFlags::empty();
    limit -1 i32::MAX, GucFlags::empty();
    bits 0 128, GucFlags::empty();
    slots 0 1024, GucFlags::empty();
    modulus 2048 4096, GucFlags::empty();
}

/// A number from 0 to 1.
///
/// # Safety
/// As of [`defined`].
pub(crate) unsafe fn share(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static GucSetting<f64>,
    context: GucContext,
    flags: GucFlags,
) {
    let check: pg_sys::GucRealCheckHook = Some(accepted);
    GucRegistry::define_float_guc_with_hooks(
        name, short, long, setting, 0.0, 1.0, context, flags, check, None, None,
    );
}

macro_rules! texts {
    ($($kind:ident $check:ident $assign:expr;)*) => {$(
        /// # Safety
        /// As of [`defined`].
        pub(crate) unsafe fn $kind(
            name: &'static CStr,
            short: &'static CStr,
            long: &'static CStr,
            setting: &'static GucSetting<Option<CString>>,
            context: GucContext,
            flags: GucFlags,
        ) {
            // SAFETY: the hooks are plain functions that raise nothing.
            unsafe {
                GucRegistry::define_string_guc_with_hooks(
                    name, short, long, setting, context, flags, Some($check), $assign, None,
                );
            }
        }
    )*};
}

texts! {
    text accepted_text None;
    // One that what policies have found out depends on.
    watched accepted_text Some(fields_changed);
    url accepted_url None;
    https_url accepted_https_url None;
    path accepted_path None;
    fields accepted_text Some(fields_changed);
    rules accepted_rules None;
    models accepted_models Some(fields_changed);
    columns accepted_columns Some(fields_changed);
    plugins accepted_plugins Some(fields_changed);
    // What policies have found out about permissions is forgotten with them.
    roles accepted_roles Some(fields_changed);
    statements accepted_statements Some(fields_changed);
}

macro_rules! flags {
    ($($kind:ident $assign:expr;)*) => {$(
        /// # Safety
        /// As of [`defined`].
        pub(crate) unsafe fn $kind(
            name: &'static CStr,
            short: &'static CStr,
            long: &'static CStr,
            setting: &'static GucSetting<bool>,
            context: GucContext,
            flags: GucFlags,
        ) {
            // SAFETY: the hooks are plain functions that raise nothing.
            unsafe {
                GucRegistry::define_bool_guc_with_hooks(
                    name, short, long, setting, context, flags, Some(accepted), $assign, None,
                );
            }
        }
    )*};
}

flags! {
    flag None;
    // A plugin's that decides on columns.
    column_flag Some(flag_changed);
}

/// One of some words.
///
/// # Safety
/// As of [`defined`].
pub(crate) unsafe fn choice<T: GucEnum>(
    name: &'static CStr,
    short: &'static CStr,
    long: &'static CStr,
    setting: &'static GucSetting<T>,
    context: GucContext,
    flags: GucFlags,
) {
    // SAFETY: the hook is a plain function that raises nothing.
    unsafe {
        GucRegistry::define_enum_guc_with_hooks(
            name,
            short,
            long,
            setting,
            context,
            flags,
            Some(accepted),
            None,
            None,
        );
    }
}

/// Defines one setting by `define`; whether a value that was given for it before took effect.
pub(crate) fn defined(name: &'static str, define: impl FnOnce(&'static CStr)) -> bool {
    let Ok(name) = CStr::from_bytes_with_nul(name.as_bytes()) else { return false };
    let was_given = is_given(name);
    ACCEPTED.store(false, Ordering::Relaxed);
    define(name);
    !was_given || ACCEPTED.load(Ordering::Relaxed)
}

/// Set when PostgreSQL accepts a value other than a setting's own default.
static ACCEPTED: AtomicBool = AtomicBool::new(false);
/// Set when a value that was given for a setting did not take effect.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Counts the changes to the settings that name columns, or plugins, which have some.
static FIELD_CHANGES: AtomicU64 = AtomicU64::new(0);

fn accept(source: pg_sys::GucSource::Type) -> bool {
    if source != pg_sys::GucSource::PGC_S_DEFAULT {
        ACCEPTED.store(true, Ordering::Relaxed);
    }
    true
}

/// A setting's check hook: PostgreSQL asks it once the value is valid and may be set by who set it.
unsafe extern "C-unwind" fn accepted<T>(
    _: *mut T,
    _: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    accept(source)
}

/// The same for text that has to mean something. Says what it should be like where it doesn't.
///
/// # Safety
/// For PostgreSQL's call of a check hook: `value` points to a terminated string, or to null.
unsafe fn accept_text(
    value: *mut *mut c_char,
    source: pg_sys::GucSource::Type,
    is_valid: impl FnOnce(&str) -> bool,
) -> bool {
    // SAFETY: as the caller says.
    let text = unsafe { if (*value).is_null() { Ok("") } else { CStr::from_ptr(*value).to_str() } };
    text.is_ok_and(|text| text.is_empty() || is_valid(text)) && accept(source)
}

macro_rules! text_hooks {
    ($($hook:ident $is_valid:expr;)*) => {$(
        unsafe extern "C-unwind" fn $hook(
            value: *mut *mut c_char,
            _: *mut *mut c_void,
            source: pg_sys::GucSource::Type,
        ) -> bool {
            // SAFETY: PostgreSQL calls it as a check hook.
            unsafe { accept_text(value, source, $is_valid) }
        }
    )*};
}

text_hooks! {
    accepted_text |_| true;
    accepted_url |text| {
        url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    accepted_https_url |text| url::Url::parse(text).is_ok_and(|url| url.scheme() == "https");
    accepted_path |text| {
        text.starts_with('/') && !text.contains("//") && !text.contains(['?', '#', '%', ' ', '\\'])
    };
    accepted_rules |text| parse_rules(text).is_some();
    accepted_models |text| named(Names::parse(text, ""));
    accepted_columns |text| named(Names::parse("", text));
    accepted_roles |text| Roles::parse(text).is_some();
    accepted_statements |text| access::parse_statements(text).is_some();
    accepted_plugins |text| named(plugin::parse(text).map(drop));
}

/// Whether names were taken; the DETAIL of the refusal says why not.
fn named<T>(names: Result<T, String>) -> bool {
    let Err(why) = names else { return true };
    if let Ok(why) = CString::new(why) {
        // SAFETY: what GUC_check_errdetail() does: the text is the error's, and lives as long.
        unsafe {
            pg_sys::GUC_check_errdetail_string =
                pg_sys::MemoryContextStrdup(pg_sys::ErrorContext, why.as_ptr());
        }
    }
    false
}

/// The same for one that is on or off.
unsafe extern "C-unwind" fn flag_changed(_: bool, _: *mut c_void) {
    FIELD_CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// Called when a setting that names columns has a new value, at the end of a transaction too.
unsafe extern "C-unwind" fn fields_changed(_: *const c_char, _: *mut c_void) {
    FIELD_CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// Changes whenever a setting that names tables, columns or plugins may have changed.
pub(crate) fn field_changes() -> u64 {
    FIELD_CHANGES.load(Ordering::Relaxed)
}

/// Defines the settings, and has PostgreSQL warn of any other name with this prefix.
///
/// Raises where a value that is in force for this connection is refused. Until the library is loaded a
/// setting is a placeholder that anybody can set, and one that comes with the connection (`PGOPTIONS`)
/// takes the place of what the DBA has set. PostgreSQL refuses it now, with a warning, but goes on with
/// the built-in default: `disable_sign_up`, say, would be off again.
pub(crate) fn init() {
    if !REFUSED.load(Ordering::Relaxed) {
        // All of them, whatever became of the first.
        let all = list::define() & plugin::define_settings();
        REFUSED.store(!all, Ordering::Relaxed);
        // SAFETY: called from _PG_init, with a constant, terminated string.
        unsafe {
            #[cfg(any(feature = "pg13", feature = "pg14"))]
            pg_sys::EmitWarningsOnPlaceholders(c"better_auth".as_ptr());
            #[cfg(not(any(feature = "pg13", feature = "pg14")))]
            pg_sys::MarkGUCPrefixReserved(c"better_auth".as_ptr());
        }
    }
    if REFUSED.load(Ordering::Relaxed) {
        pgrx::ereport!(
            ERROR,
            PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
            "better_auth is not usable in this connection: a setting of it has a value that is refused",
            "A WARNING before this one names the setting. It was passed by the connection (PGOPTIONS), which only superusers may do, or its configured value is not valid."
        );
    }
}

/// Whether the placeholder of that name, if there is one, has a value for the whole connection, which is
/// what RESET would bring back. (One that a session has SET, and nobody else, is merely refused.)
#[cfg(any(feature = "pg13", feature = "pg14", feature = "pg15"))]
fn is_given(name: &CStr) -> bool {
    // SAFETY: the name is terminated. A missing setting is answered with null, and only of one that is
    // there the reset value is asked for, which is null where there is none.
    unsafe {
        !pg_sys::GetConfigOption(name.as_ptr(), true, false).is_null()
            && !pg_sys::GetConfigOptionResetString(name.as_ptr()).is_null()
    }
}

/// The same from PostgreSQL 16 on, where the functions above may answer with an empty text for none.
#[cfg(not(any(feature = "pg13", feature = "pg14", feature = "pg15")))]
fn is_given(name: &CStr) -> bool {
    // SAFETY: the name is terminated. A missing setting is answered with null, and one that is there has the type
    // that it says; a placeholder is a text.
    unsafe {
        let setting = pg_sys::find_option(name.as_ptr(), false, true, 0);
        !setting.is_null()
            && (*setting).vartype == pg_sys::config_type::PGC_STRING
            && !(*setting.cast::<pg_sys::config_string>()).reset_val.is_null()
    }
}
