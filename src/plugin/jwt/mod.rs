//! Better Auth's plugin jwt: tokens of a session that others verify by public keys, and the list of those keys.

mod keys;
mod options;
mod routes;
mod sign;
mod span;
mod store;
mod verify;

use crate::api::http::{Answer, Context, Route};
use crate::error::AuthError;
use crate::plugin::{Plugin, Rpc, Sealed};
use crate::store::definition::Definition;

pub(super) use self::store::KEYS;

/// The plugin.
pub(super) struct Jwt;

mod settings {
    use pgrx::PostgresGucEnum;

    /// The algorithms of new keys: those that Better Auth's options know.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
    pub(crate) enum KeyAlgorithm {
        #[name = c"EdDSA"]
        EdDsa,
        #[name = c"ES256"]
        Es256,
        #[name = c"ES512"]
        Es512,
        #[name = c"PS256"]
        Ps256,
        #[name = c"RS256"]
        Rs256,
    }

    /// The curves that a setting chooses: the other algorithms have one each.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
    pub(crate) enum KeyCurve {
        #[name = c"Ed25519"]
        Ed25519,
    }

    // Options of `jwks` and of `jwt`: the latter would be `jwt_audience` and so on without the second part, which are
    // the core's, of bridge tokens.
    crate::settings::settings! {
        "jwt_";
        choice(KeyAlgorithm) jwks_key_pair_config_alg = KeyAlgorithm::EdDsa,
            c"Algorithm of new keys: EdDSA, ES256, ES512, PS256 or RS256.",
            c"Better Auth: jwt.jwks.keyPairConfig.alg. Tokens are signed by the newest key of this algorithm.";
        choice(KeyCurve) jwks_key_pair_config_crv = KeyCurve::Ed25519,
            c"Curve of new keys for EdDSA: Ed25519.",
            c"Better Auth: jwt.jwks.keyPairConfig.crv.";
        modulus jwks_key_pair_config_modulus_length = 2048,
            c"Length of the modulus of new keys for PS256 and RS256, in bits.",
            c"Better Auth: jwt.jwks.keyPairConfig.modulusLength.";
        flag jwks_disable_private_key_encryption = false,
            c"Whether private keys are stored as they are, not encrypted under the cookie secret.",
            c"Better Auth: jwt.jwks.disablePrivateKeyEncryption. Keys of either form are read.";
        seconds jwks_rotation_interval = 0,
            c"How long a new key signs; 0 for ever.",
            c"Better Auth: jwt.jwks.rotationInterval.";
        seconds jwks_grace_period = 2_592_000,
            c"How long a key that has ceased to sign is still listed.",
            c"Better Auth: jwt.jwks.gracePeriod.";
        path jwks_jwks_path = Some(c"/jwks"),
            c"Path of the list of public keys, below the base path.",
            c"Better Auth: jwt.jwks.jwksPath.";
        url jwks_remote_url = None,
            c"Where the list of public keys is instead; then there is none here.",
            c"Better Auth: jwt.jwks.remoteUrl.";
        text jwt_issuer = None,
            c"The iss of tokens; empty for base_url.",
            c"Better Auth: jwt.jwt.issuer.";
        text jwt_audience = None,
            c"The aud of tokens, several separated by commas; empty for base_url.",
            c"Better Auth: jwt.jwt.audience.";
        text jwt_expiration_time = Some(c"15m"),
            c"How long tokens are good: a number and a unit, such as 15m or 1 hour.",
            c"Better Auth: jwt.jwt.expirationTime.";
        text jwt_define_payload_function = None,
            c"Function (schema.name) that makes the payload of a session's tokens: jsonb {user, session}, returns jsonb.",
            c"Better Auth: jwt.jwt.definePayload.";
        text jwt_get_subject_function = None,
            c"Function (schema.name) that makes the sub of a session's tokens: jsonb {user, session}, returns text.",
            c"Better Auth: jwt.jwt.getSubject.";
        flag disable_setting_jwt_header = false,
            c"Whether get-session answers without the header set-auth-jwt.",
            c"Better Auth: jwt.disableSettingJwtHeader.";
    }
}

impl Plugin for Jwt {
    fn id(&self) -> &'static str {
        "jwt"
    }

    fn tables(&self) -> &'static [&'static Definition] {
        &[&KEYS]
    }

    fn sealed(&self) -> &'static [Sealed] {
        const SEALED: &[Sealed] = &[Sealed { table: store::TABLE, field: "privateKey", is_json: true }];
        SEALED
    }

    fn define_settings(&self) -> bool {
        settings::define()
    }

    fn routes(&self) -> &'static [Route] {
        routes::ROUTES
    }

    fn rpc(&self) -> &'static [Rpc] {
        routes::FUNCTIONS
    }

    fn after(&self, context: &mut Context<'_>, answer: &mut Answer) -> Result<(), AuthError> {
        // Whoever calls api() is told no headers.
        if context.path != "/get-session" || context.is_direct || settings::disable_setting_jwt_header() {
            return Ok(());
        }
        let is_one = answer.as_ref().is_ok_and(|answer| answer.status == 200);
        let Some(current) = context.shown.take().filter(|_| is_one) else { return Ok(()) };
        // Where nothing can be written, and there is no key yet, there is no header either.
        if let Some(token) = sign::of_session(context, &current.live, current.is_cached)? {
            context.set_exposed_header("set-auth-jwt", token);
        }
        Ok(())
    }
}
