// What the provider of the tests plays: OpenID Connect in general, and five that everybody has, at their own addresses.
//
// A site is
//   issuer     the `iss` of its id tokens, where it has these: a text, or made of the parts of the address
//   urls       its endpoints' addresses: texts, or patterns whose groups are the parts
//   scopes     what it grants where nobody asks for anything
//   claims     the id token's claims of a person, besides iss, aud, iat, exp and nonce
//   profiles   what an endpoint answers about a person to who has an access token
//   tokens     what its token endpoint answers differs in: lifetimes in seconds, how scopes are joined
//   refuses    how it says that it refuses a code, where not as RFC 6749 has it

/** Who signs in where a test says nothing else. */
export const PERSON = {
  sub: '1001',
  email: 'nora@example.org',
  email_verified: true,
  name: 'Nora New',
  given_name: 'Nora',
  family_name: 'New',
  picture: 'https://pictures.example/nora.png',
};

/** Of Microsoft's personal accounts. */
export const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';
export const TENANT = '11111111-2222-3333-4444-555555555555';

const pick = (person, ...names) => Object.fromEntries(names.filter((name) => person[name] !== undefined).map((name) => [name, person[name]]));
const OIDC = ['sub', 'email', 'email_verified', 'name', 'given_name', 'family_name', 'picture'];

/** OpenID Connect below any origin. */
export const general = (origin) => ({
  issuer: origin,
  urls: Object.fromEntries(
    Object.entries({ discovery: '/.well-known/openid-configuration', authorize: '/authorize', token: '/token', jwks: '/jwks', userinfo: '/userinfo' }).map(
      ([name, path]) => [name, `${origin}${path}`],
    ),
  ),
  scopes: ['openid'],
  claims: (person) => pick(person, ...OIDC),
  profiles: { userinfo: (person) => pick(person, ...OIDC) },
  tokens: { expires_in: 3600, refresh_token_expires_in: 86_400 },
});

export const SITES = {
  google: {
    issuer: 'https://accounts.google.com',
    urls: {
      authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
      token: 'https://oauth2.googleapis.com/token',
      jwks: 'https://www.googleapis.com/oauth2/v3/certs',
    },
    scopes: ['openid', 'email', 'profile'],
    claims: (person, client) => ({ azp: client, ...pick(person, 'hd', ...OIDC) }),
    tokens: { expires_in: 3600 },
  },
  github: {
    urls: {
      authorize: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      user: 'https://api.github.com/user',
      emails: 'https://api.github.com/user/emails',
    },
    scopes: ['read:user', 'user:email'],
    profiles: {
      user: ({ sub, name, email, picture, login = 'nora', public_email = null }) => ({
        login,
        id: /^\d+$/.test(sub) ? Number(sub) : sub,
        node_id: 'MDQ6VXNlcjE=',
        avatar_url: picture,
        type: 'User',
        name: name ?? null,
        email: public_email === true ? email : public_email,
        two_factor_authentication: true,
      }),
      emails: ({ email, email_verified, emails }) =>
        emails ?? [
          { email: 'noreply@users.example', primary: false, verified: true, visibility: null },
          ...(email ? [{ email, primary: true, verified: email_verified, visibility: 'private' }] : []),
        ],
    },
    // Its tokens of OAuth apps last, and can't be renewed.
    tokens: { join: ',', token_type: 'bearer', refresh: false },
    refuses: () => ({
      status: 200,
      body: { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.', error_uri: 'https://docs.example' },
    }),
  },
  apple: {
    issuer: 'https://appleid.apple.com',
    urls: {
      authorize: 'https://appleid.apple.com/auth/authorize',
      token: 'https://appleid.apple.com/auth/token',
      jwks: 'https://appleid.apple.com/auth/keys',
    },
    // It says the name once, in the form, and booleans as texts.
    claims: ({ email_verified, ...person }) => ({
      ...pick(person, 'sub', 'email'),
      ...(email_verified !== undefined && { email_verified: String(email_verified) }),
      is_private_email: 'false',
      auth_time: 1_700_000_000,
      nonce_supported: true,
    }),
    tokens: { expires_in: 3600, scope: false },
  },
  microsoft: {
    issuer: (person) => `https://login.microsoftonline.com/${person.tid ?? TENANT}/v2.0`,
    urls: {
      authorize: /^https:\/\/login\.microsoftonline\.com\/([^/]+)\/oauth2\/v2\.0\/authorize$/,
      token: /^https:\/\/login\.microsoftonline\.com\/([^/]+)\/oauth2\/v2\.0\/token$/,
      jwks: /^https:\/\/login\.microsoftonline\.com\/([^/]+)\/discovery\/v2\.0\/keys$/,
      photo: /^https:\/\/graph\.microsoft\.com\/v1\.0\/me\/photos\/(\d+)x\1\/\$value$/,
    },
    scopes: ['openid', 'profile', 'email', 'User.Read'],
    claims: ({ oid, tid = TENANT, ...person }) => ({
      ver: '2.0',
      oid: oid === undefined ? `oid-${person.sub}` : oid,
      tid,
      preferred_username: person.email,
      ...pick(person, 'sub', 'email', 'name', 'email_verified', 'verified_primary_email', 'verified_secondary_email'),
    }),
    // Nobody has one, unless a test says so.
    profiles: { photo: ({ photo }) => photo ?? null },
    tokens: { expires_in: 3600, ext_expires_in: 3600 },
  },
  discord: {
    urls: {
      authorize: 'https://discord.com/api/oauth2/authorize',
      token: 'https://discord.com/api/oauth2/token',
      user: 'https://discord.com/api/users/@me',
    },
    scopes: ['identify', 'email'],
    profiles: {
      user: ({ sub, email, email_verified, name, username = 'nora', avatar = null, discriminator = '0' }) => ({
        id: `80351110224678${sub}`,
        username,
        discriminator,
        global_name: name ?? null,
        avatar,
        verified: email_verified,
        email: email ?? null,
        locale: 'en-GB',
        mfa_enabled: false,
      }),
    },
    tokens: { expires_in: 604_800 },
  },
};
