// What differs between the versions of PostgREST that the stand-in plays, as data. What isn't here is the same in all.

/** The texts of 12 are those of the library that it had before. All its refusals of a token are PGRST301. */
const JWT_12 = {
  isEmptyRefused: false,
  refusals: {
    parts: () => ['PGRST301', 'JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 2)'],
    unreadable: () => ['PGRST301', 'JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 2)'],
    algorithm: () => ['PGRST301', 'JWSError JWSNoSignatures'],
    key: () => ['PGRST301', 'JWSError JWSInvalidSignature'],
    claims: () => ['PGRST301', 'Parsing claims failed'],
    expired: () => ['PGRST301', 'JWT expired'],
    early: () => ['PGRST301', 'JWTNotYetValid'],
    future: () => ['PGRST301', 'JWTIssuedAtFuture'],
    audience: () => ['PGRST301', 'JWTNotInAudience'],
    // A claim of another type counts for none.
    type: () => undefined,
  },
};

const JWT_13 = {
  isEmptyRefused: true,
  refusals: {
    empty: () => ['PGRST301', 'Empty JWT is sent in Authorization header'],
    parts: (count) => ['PGRST301', `Expected 3 parts in JWT; got ${count}`],
    unreadable: () => ['PGRST301', 'JWT cryptographic operation failed'],
    algorithm: () => ['PGRST301', 'Wrong or unsupported encoding algorithm', 'JWT is unsecured but expected \'alg\' was not \'none\''],
    key: () => ['PGRST301', 'No suitable key or wrong key type', 'None of the keys was able to decode the JWT'],
    claims: () => ['PGRST303', 'Parsing claims failed'],
    expired: () => ['PGRST303', 'JWT expired'],
    early: () => ['PGRST303', 'JWT not yet valid'],
    future: () => ['PGRST303', 'JWT issued at future'],
    audience: () => ['PGRST303', 'JWT not in audience'],
    type: (name, wanted) => ['PGRST303', `The JWT '${name}' claim must be ${wanted}`],
  },
};

const V12 = {
  server: 'postgrest/12.2.12',
  jwt: JWT_12,
  /** Headers of every answer, and of every refusal with this code. */
  headers: [],
  refusalHeaders: () => [],
  hasContentLength: false,
  invalidSchema: (_, schemas) => ({ message: `The schema must be one of the following: ${schemas.join(', ')}` }),
  notSingular: 'JSON object requested, multiple (or no) rows returned',
  /** A table that isn't there is found out by the database, and a path that leads nowhere gets an empty object. */
  missingTable: (schema, name) => ['42P01', `relation "${schema}.${name}" does not exist`],
  nowhere: () => ({}),
  hasIsNotNull: false,
  wrapsFullText: false,
  /** Whether max-affected with handling=strict is refused for a function that returns no set. */
  wantsSetForMaxAffected: false,
};

const V13 = {
  ...V12,
  server: 'postgrest/13.0.8',
  jwt: JWT_13,
  refusalHeaders: (code) => [['Proxy-Status', `PostgREST; error=${code}`]],
  hasContentLength: true,
  invalidSchema: (asked, schemas) => ({
    message: `Invalid schema: ${asked}`,
    hint: `Only the following schemas are exposed: ${schemas.join(', ')}`,
  }),
  notSingular: 'Cannot coerce the result to a single JSON object',
  missingTable: (schema, name) => ['PGRST205', `Could not find the table '${schema}.${name}' in the schema cache`],
  nowhere: (refusal) => refusal,
  hasIsNotNull: true,
  wrapsFullText: true,
};

const V16 = {
  ...V13,
  server: 'postgrest/16.2',
  headers: [['Vary', 'Accept, Prefer, Range']],
  wantsSetForMaxAffected: true,
};

/** By the major version. */
export const VERSIONS = { 12: V12, 13: V13, 16: V16 };

/** The oldest and the newest of them, between which little happens: what takes long is tested with these. */
export const ENDS = [12, 16];

/** The one that is played where nothing else is said: `POSTGREST_VERSION` of the environment, or the newest. */
export const DEFAULT_VERSION = process.env.POSTGREST_VERSION ?? '16';

export function traitsOf(version) {
  const traits = Object.hasOwn(VERSIONS, version) ? VERSIONS[version] : undefined;
  if (!traits) throw new Error(`version is ${version}, not one of ${Object.keys(VERSIONS).join(', ')}`);
  return traits;
}
