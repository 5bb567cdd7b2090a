// The plugin api-key: keys that a user makes, looks at, changes and deletes, and requests with a key in its name.
// What the server alone may do is in api_key.test.mjs.

import { createHash } from 'node:crypto';
import { apiKey } from '@better-auth/api-key';
import { organization } from 'better-auth/plugins';
import pg from 'pg';
import { GET, ID, POST } from '../../http.mjs';
import { differs, each, named, oddBodies, oddFields } from '../common.mjs';

const status = ({ answers }) => answers.at(-1).status;
const BY = { by: 'ada' };
const VERA = { by: 'vera' };
const DAY = 86_400;
const KEY = 'K'.repeat(64);
const OTHER = 'L'.repeat(64);
const hash = (key) => createHash('sha256').update(key).digest('base64url');
const literal = (value) =>
  value === null ? 'NULL' : value?.sql ?? (typeof value === 'object' ? pg.escapeLiteral(JSON.stringify(value)) : pg.escapeLiteral(String(value)));
const sql = (text) => ({ sql: text });
/** A key that is there already: Ada's, used as often as anybody likes. */
function row(fields = {}) {
  const all = {
    id: 'apiKeyRow2apiKeyRow2apiKeyRow2ap',
    configId: 'default',
    name: 'one',
    start: 'KKKKKK',
    referenceId: ID.ada,
    prefix: null,
    key: hash(KEY),
    enabled: true,
    rateLimitEnabled: false,
    rateLimitTimeWindow: 1000,
    rateLimitMax: 2,
    requestCount: 0,
    createdAt: sql(`now() - interval '1 hour'`),
    updatedAt: sql(`now() - interval '1 hour'`),
    metadata: 'null',
    ...fields,
  };
  const names = Object.keys(all).map((name) => `"${name}"`);
  return `INSERT INTO apikey (${names}) VALUES (${Object.values(all).map(literal)})`;
}
const ROW = 'apiKeyRow2apiKeyRow2apiKeyRow2ap';
const second = (fields) => row({ id: 'secondKey2secondKey2secondKey2se', key: hash(OTHER), name: 'two', createdAt: sql(`now() - interval '30 minutes'`), ...fields });

const KEEP = { keep: { key: 'key', id: 'id', start: 'start' } };
const create = (body = {}, options = {}) => POST('/api-key/create', body, { ...BY, ...KEEP, ...options });
const get = (id = ROW, options = BY) => GET(`/api-key/get?id=${id}`, options);
const update = (body = {}, options = BY) => POST('/api-key/update', { keyId: ROW, ...body }, options);
const remove = (body = {}, options = BY) => POST('/api-key/delete', { keyId: ROW, ...body }, options);
const list = (query = '', options = BY) => GET(`/api-key/list${query}`, options);
/** A request with a key and no cookie. */
const withKey = (step, key = KEY, headers = {}) => ({ ...step, by: undefined, headers: { 'x-api-key': key, ...headers } });

const columns = (options, plugins = 'api-key') => ({ plugins, options, tables: { apikey: '"createdAt", name' } });
const alone = columns(() => ({ plugins: [apiKey()] }));
const group = (name, options, settings, cases) => ({
  name: `api-key${name}`,
  columns: alone,
  options: () => ({ plugins: [apiKey(options)] }),
  settings,
  cases,
});

const SERVERS = { refillAmount: 5, refillInterval: 1000, rateLimitMax: 5, rateLimitTimeWindow: 5, rateLimitEnabled: true, remaining: 5, permissions: { a: ['b'] } };
const ODD_NUMBERS = [0, -1, 0.5, '5', null, true, [5], {}];

const withOrganization = {
  plugins: 'organization, api-key',
  options: () => ({ plugins: [organization(), apiKey({ references: 'organization' })] }),
  tables: { organization: 'slug', member: '"createdAt"', apikey: '"createdAt", name' },
};
const ORG = 'organization2organization2organi';
const org = (role = 'owner', user = ID.ada) => `
  INSERT INTO organization (id, name, slug, "createdAt") VALUES ('${ORG}', 'Org', 'org', now());
  INSERT INTO member (id, "organizationId", "userId", role, "createdAt") VALUES ('member2member2member2member2memb', '${ORG}', '${user}', '${role}', now())`;
const orgRow = (fields) => row({ referenceId: ORG, ...fields });

export default [
  group('', {}, {}, {
    // create
    'create': create(),
    'create, with a name': create({ name: 'CI' }),
    'create, everything': create({ name: 'CI', expiresIn: 5 * DAY, prefix: 'ci_' }),
    'create, signed out': create({ name: 'CI' }, { by: undefined }),
    'create, by another’s id': create({ userId: ID.vera }),
    'create, by the own id': create({ userId: ID.ada }),
    ...named('create, the server’s', each(Object.keys(SERVERS), (name) => create({ [name]: SERVERS[name] }))),
    ...named('create, remaining', each([null, 0], (remaining) => create({ remaining }))),
    ...named('create, expiresIn', each([DAY, DAY - 1, 365 * DAY, 365 * DAY + 1, DAY + 0.5, 1, ...ODD_NUMBERS], (expiresIn) => create({ expiresIn }))),
    ...named('create, prefix', each(['a', 'a'.repeat(32), 'a'.repeat(33), 'a b', 'é', '-_', 'a\n', 5], (prefix) => create({ prefix }))),
    ...named('create, name', each(['a', 'a'.repeat(32), 'a'.repeat(33), 'é'.repeat(32), '😀'.repeat(16), '😀'.repeat(17), ' '], (name) => create({ name }))),
    ...named('create, metadata', each([{ a: 1 }, [], null, 'x', 0, false, ''], (metadata) => create({ metadata }))),
    ...named('create, permissions', each([null, 5, [], { a: 'b' }, { a: [1, 'x', null] }, {}], (permissions) => create({ permissions }))),
    ...named('create, configId', each(['default', '', 'other', null, 5], (configId) => create({ configId }))),
    ...named('create, refillAmount', each(ODD_NUMBERS, (refillAmount) => create({ refillAmount }))),
    ...named('create, organizationId', each(['x', '', null, 5, {}], (organizationId) => create({ organizationId }))),
    'create, from elsewhere': create({}, { headers: { origin: 'https://elsewhere.example' } }),
    ...oddFields('/api-key/create', { name: 'n', prefix: 'p' }, { ...BY, ...KEEP }),
    ...oddBodies('/api-key/create', { ...BY, ...KEEP }),
    'create, GET': GET('/api-key/create', BY),
    'create, get, update, delete': [create({ name: 'CI' }), GET('/api-key/get?id={{id}}', BY), POST('/api-key/update', { keyId: '{{id}}', name: 'CD' }, BY), POST('/api-key/delete', { keyId: '{{id}}' }, BY), GET('/api-key/get?id={{id}}', BY)],
    // get
    'get': [row(), get()],
    'get, signed out': [row(), get(ROW, {})],
    'get, of another': [row(), get(ROW, VERA)],
    'get, of nobody': get('nope'),
    ...named('get, query', each(['', '?id=', `?id=${ROW}&id=${ROW}`, `?id=${ROW}&configId=default`, `?id=${ROW}&configId=`, `?id=${ROW}&configId=nope`, `?id=${ROW}&configId=a&configId=b`], (query) => [row(), GET(`/api-key/get${query}`, BY)])),
    'get, of another configuration': [row({ configId: 'other' }), get()],
    'get, with everything': [row({ refillInterval: 1000, refillAmount: 5, lastRefillAt: sql('now()'), remaining: 3, lastRequest: sql('now()'), expiresAt: sql(`now() + interval '1 day'`), permissions: { a: ['b'] }, metadata: { x: 1, 2: 'two', 1: 'one' } }), get()],
    ...named('get, metadata', each(['{"at":"2026-01-02T03:04:05Z","b":["2026-01-02T03:04:05.1Z","2026-01-02"]}', '[1,2.50,1e3]', ''], (metadata) => [row({ metadata }), get()])),
    'get, metadata in quotes': differs('apiKeyLegacy', [row({ metadata: '"{\\"a\\":1}"' }), get()], { a: 1 }, { a: 1 }, ({ answers }) => JSON.parse(answers[0].body).metadata),
    'get, with nothing': [row({ name: null, start: null, enabled: null, rateLimitEnabled: null, rateLimitTimeWindow: null, rateLimitMax: null, requestCount: null, metadata: null }), get()],
    // update
    'update, name': [row(), update({ name: 'new' }), get()],
    'update, nothing': [row(), update()],
    'update, signed out': [row(), update({ name: 'new' }, {})],
    'update, of another': [row(), update({ name: 'new' }, VERA)],
    'update, of nobody': update({ keyId: 'nope', name: 'new' }),
    'update, by another’s id': [row(), update({ name: 'new', userId: ID.vera })],
    'update, by the own id': [row(), update({ name: 'new', userId: ID.ada })],
    ...named('update, the server’s', each(Object.keys(SERVERS), (name) => [row(), update({ [name]: SERVERS[name] })])),
    'update, permissions null': [row(), update({ permissions: null })],
    ...named('update, enabled', each([true, false, null, 'true', 0], (enabled) => [row(), update({ enabled })])),
    ...named('update, name', each(['', 'a', 'a'.repeat(32), 'a'.repeat(33), '😀'.repeat(17)], (name) => [row(), update({ name })])),
    ...named('update, expiresIn', each([null, 1, DAY, DAY - 1, 365 * DAY, 365 * DAY + 1, 0, '5'], (expiresIn) => [row({ expiresAt: sql(`now() + interval '2 days'`) }), update({ expiresIn })])),
    ...named('update, metadata', each([{ a: 1 }, null, 'x'], (metadata) => [row(), update({ metadata })])),
    ...named('update, remaining', each(ODD_NUMBERS, (remaining) => [row(), update({ remaining })])),
    ...named('update, configId', each(['default', '', 'nope', null], (configId) => [row(), update({ configId, name: 'new' })])),
    ...oddFields('/api-key/update', { keyId: ROW, name: 'n' }, BY),
    ...oddBodies('/api-key/update', BY),
    // delete
    'delete': [row(), remove(), remove()],
    'delete, signed out': [row(), remove({}, {})],
    'delete, of another': [row(), remove({}, VERA)],
    'delete, of another configuration': [row({ configId: 'other' }), remove(), remove({ configId: 'other' })],
    ...oddFields('/api-key/delete', { keyId: ROW, configId: 'default' }, BY),
    ...oddBodies('/api-key/delete', BY),
    // list
    'list': [row(), second(), list('?sortBy=createdAt')],
    'list, none': list(),
    'list, of another': [row(), list('', VERA)],
    'list, signed out': list('', {}),
    ...named('list, query', each(['?limit=1', '?offset=1', '?limit=1&offset=1', '?limit=0', '?offset=5', '?limit=-1', '?limit=x', '?limit=1.5', '?limit=', '?sortDirection=up', '?sortDirection=desc', '?configId=', '?configId=nope', '?configId=default', '?organizationId=', '?limit=1&limit=2'], (query) =>
      [row(), second(), list(query + (query.includes('sortBy') ? '' : '&sortBy=createdAt'))])),
    ...named('list, sorted', each(['sortBy=name', 'sortBy=name&sortDirection=desc', 'sortBy=createdAt&sortDirection=desc', 'sortBy=createdAt&sortDirection=asc', 'sortBy=expiresAt&sortDirection=desc'], (query) => [row(), second({ expiresAt: sql(`now() + interval '1 day'`) }), list(`?${query}`)])),
    'list, sorted by nothing there is': differs('apiKeySort', [row(), list('?sortBy=nope')], [500, ''], [400, 'VALIDATION_ERROR']),
    'list, of other configurations too': [row(), second({ configId: 'other' }), list('?sortBy=createdAt'), list('?configId=other')],
    'list, of an organization': list('?organizationId=x'),
    // what HTTP doesn't reach
    ...named('no route', each(['/api-key/verify', '/api-key/delete-all-expired-api-keys'], (path) => POST(path, { key: KEY }, BY))),
    // a key opens no session where it isn't meant to
    'a key alone': [row(), withKey(list()), withKey(GET('/get-session'))],
  }),
  group(', options', { requireName: true, enableMetadata: true, defaultPrefix: 'pre-', defaultKeyLength: 20, minimumPrefixLength: 3, maximumPrefixLength: 5, minimumNameLength: 3, maximumNameLength: 5, startingCharactersConfig: { charactersLength: 2 }, keyExpiration: { defaultExpiresIn: 3 * DAY, minExpiresIn: 2, maxExpiresIn: 4 }, rateLimit: { enabled: false, timeWindow: 5000, maxRequests: 7 }, permissions: { defaultPermissions: { files: ['read'] } } }, {
    api_key_require_name: 'on', api_key_enable_metadata: 'on', api_key_default_prefix: 'pre-', api_key_default_key_length: '20', api_key_minimum_prefix_length: '3', api_key_maximum_prefix_length: '5', api_key_minimum_name_length: '3', api_key_maximum_name_length: '5', api_key_starting_characters_length: '2', api_key_key_expiration_default_expires_in: String(3 * DAY), api_key_key_expiration_min_expires_in: '2', api_key_key_expiration_max_expires_in: '4', api_key_rate_limit_enabled: 'off', api_key_rate_limit_time_window: '5000', api_key_rate_limit_max_requests: '7', api_key_permissions_default_permissions: '{"files": ["read"]}',
  }, {
    ...named('create, name', each([undefined, '', 'ab', 'abc', 'abcde', 'abcdef'], (name) => create({ name }))),
    ...named('create, prefix', each(['ab', 'abc', 'abcde', 'abcdef'], (prefix) => create({ name: 'abc', prefix }))),
    ...named('create, expiresIn', each([DAY, 2 * DAY, 4 * DAY, 4 * DAY + 1, null], (expiresIn) => create({ name: 'abc', expiresIn }))),
    ...named('create, metadata', each([{ b: 1, a: { c: [1, 2.5, null] } }, { 2: 'b', 1: 'a' }, [1], [], {}, null, 0, '', { at: '2026-01-02T03:04:05Z' }], (metadata) => [create({ name: 'abc', metadata }), GET('/api-key/get?id={{id}}', BY)])),
    ...named('create, metadata', each(['x', 5, true], (metadata) => create({ name: 'abc', metadata }))),
    ...named('update, metadata', each([{ a: 1 }, [], null, 'x', 5], (metadata) => [row(), update({ metadata }), get()])),
    ...named('update, expiresIn', each([DAY, 2 * DAY, 5 * DAY, null], (expiresIn) => [row(), update({ expiresIn })])),
  }),
  group(', fixed expiry', { keyExpiration: { disableCustomExpiresTime: true }, startingCharactersConfig: { shouldStore: false }, disableKeyHashing: true }, { api_key_key_expiration_disable_custom_expires_time: 'on', api_key_starting_characters_should_store: 'off', api_key_disable_key_hashing: 'on' }, {
    'create': create(),
    ...named('create, expiresIn', each([null, DAY, 1], (expiresIn) => create({ expiresIn }))),
    ...named('update, expiresIn', each([null, DAY], (expiresIn) => [row(), update({ expiresIn })])),
  }),
  group(', sessions', { enableSessionForAPIKeys: true }, { api_key_enable_session_for_api_keys: 'on' }, {
    'get-session': [row(), withKey(GET('/get-session'))],
    'get-session, with an agent': [row({ expiresAt: sql(`now() + interval '1 day'`) }), withKey(GET('/get-session'), KEY, { 'user-agent': 'x', 'x-forwarded-for': '1.2.3.4' })],
    'get-session, POST': [row(), withKey(POST('/get-session'))],
    'a list by the key': [row(), withKey(list())],
    'a key by a key': differs('moreThanItsKey', [row(), withKey(create())], 200, 401, status),
    'the user by a key': [row(), withKey(POST('/update-user', { name: 'New' }))],
    'sessions by a key': differs('moreThanItsKey', [row(), withKey(GET('/list-sessions'))], 200, 403, status),
    'a sign-out by a key': [row(), withKey(POST('/sign-out', {}))],
    'a key and another’s cookie': [row(), { ...list('', VERA), headers: { 'x-api-key': KEY } }],
    'a short key': withKey(list(), 'x'),
    'an empty key': [row(), { ...list(), headers: { 'x-api-key': '' } }],
    'a wrong key': [row(), withKey(list(), OTHER)],
    'a wrong key and a cookie': [row(), { ...list(), headers: { 'x-api-key': OTHER } }],
    'a wrong key where nobody has to be signed in': withKey(GET('/ok'), OTHER),
    'two keys': [row(), withKey(list(), [KEY, KEY])],
    'a key that is off': [row({ enabled: false }), withKey(list())],
    'a key that has expired': [row({ expiresAt: sql(`now() - interval '1 second'`) }), withKey(list())],
    'a key of another configuration': [row({ configId: 'other' }), withKey(list())],
    'a key of nobody': differs('apiKeyOwner', [row({ referenceId: 'nobody' }), withKey(list())], [401, 'INVALID_REFERENCE_ID_FROM_API_KEY'], [401, 'INVALID_REFERENCE_ID_FROM_API_KEY']),
    'uses': [row({ remaining: 2 }), withKey(list()), withKey(list()), withKey(list()), withKey(list())],
    'uses, refilled': [row({ remaining: 0, refillAmount: 2, refillInterval: 1000 }), withKey(list()), withKey(list()), withKey(list())],
    'uses, not yet refilled': [row({ remaining: 0, refillAmount: 2, refillInterval: 10_000_000 }), withKey(list())],
    'uses, refilled before': [row({ remaining: 1, refillAmount: 2, refillInterval: 10_000_000, lastRefillAt: sql('now()') }), withKey(list()), withKey(list())],
    'a window': [row({ rateLimitEnabled: true, rateLimitTimeWindow: 10_000_000 }), withKey(GET('/ok')), withKey(GET('/ok'))],
    'a window that is over': [row({ rateLimitEnabled: true, requestCount: 5, lastRequest: sql(`now() - interval '1 hour'`) }), withKey(GET('/ok'))],
    'no window': [row({ rateLimitEnabled: true, rateLimitTimeWindow: null }), withKey(GET('/ok'))],
    'no maximum': [row({ rateLimitEnabled: true, rateLimitMax: null }), withKey(GET('/ok'))],
    'a maximum of nothing': [row({ rateLimitEnabled: true, rateLimitMax: 0, rateLimitTimeWindow: 10_000_000 }), withKey(GET('/ok'))],
    'a count that isn’t there': [row({ rateLimitEnabled: true, requestCount: null, rateLimitTimeWindow: 10_000_000 }), withKey(GET('/ok'))],
    'too often': differs(
      'apiKeyTimes',
      [row({ rateLimitEnabled: true, rateLimitTimeWindow: 10_000_000, remaining: 9 }), withKey(GET('/ok')), withKey(GET('/ok')), withKey(GET('/ok'))],
      [429, ['message', 'code', 'details'], true, 6, 2],
      [429, ['message', 'code', 'details'], true, 6, 2],
      ({ answers, rows }) => {
        const body = JSON.parse(answers.at(-1).body);
        const { tryAgainIn } = body.details;
        return [answers.at(-1).status, Object.keys(body), tryAgainIn > 9_990_000 && tryAgainIn <= 10_000_000, rows.apikey[0].remaining, rows.apikey[0].requestCount];
      },
    ),
  }),
  group(', sessions by other headers', { enableSessionForAPIKeys: true, apiKeyHeaders: ['x-one', 'X-Two'] }, { api_key_enable_session_for_api_keys: 'on', api_key_api_key_headers: 'x-one, X-Two' }, {
    ...named('by', each(['x-one', 'x-two', 'x-api-key'], (name) => [row(), { ...list('', {}), headers: { [name]: KEY } }])),
    'by both': [row(), { ...list('', {}), headers: { 'x-one': OTHER, 'x-two': KEY } }],
  }),
  group(', configurations', [{ configId: 'default', defaultPrefix: 'd_' }, { configId: 'ci', defaultPrefix: 'ci_', enableMetadata: true, rateLimit: { enabled: false }, defaultKeyLength: 32, enableSessionForAPIKeys: true, apiKeyHeaders: 'x-ci' }], { api_key_configurations: '[{"configId": "default", "defaultPrefix": "d_"}, {"configId": "ci", "defaultPrefix": "ci_", "enableMetadata": true, "rateLimit": {"enabled": false}, "defaultKeyLength": 32, "enableSessionForAPIKeys": true, "apiKeyHeaders": "x-ci"}]' }, {
    ...named('create', each([undefined, 'default', 'ci', 'nope'], (configId) => create({ configId }))),
    'create, metadata': [create({ metadata: { a: 1 } }), create({ metadata: { a: 1 }, configId: 'ci' })],
    ...named('get', each(['', '&configId=ci', '&configId=default', '&configId=nope'], (query) => [row({ configId: 'ci' }), get(ROW + query)])),
    ...named('delete', each([undefined, 'ci', 'default', 'nope'], (configId) => [row({ configId: 'ci' }), remove({ configId })])),
    ...named('update', each([undefined, 'ci'], (configId) => [row({ configId: 'ci' }), update({ configId, metadata: { a: 1 } })])),
    'list': [row({ configId: 'ci' }), second(), list('?sortBy=createdAt'), list('?configId=ci'), list('?configId=default'), list('?configId=nope')],
    'a session': [row({ configId: 'ci' }), { ...list('', {}), headers: { 'x-ci': KEY } }],
    'a session of another': [row(), { ...list('', {}), headers: { 'x-ci': KEY } }],
  }),
  {
    name: 'api-key of organizations',
    columns: withOrganization,
    settings: { api_key_references: 'organization' },
    cases: {
      'create, no organization': create(),
      'create, of one there isn’t': create({ organizationId: 'nope' }),
      ...named('create, by', each(['owner', 'admin', 'member', 'admin,owner'], (role) => [org(role), create({ organizationId: ORG })])),
      'create, by a stranger': [org('owner', ID.vera), create({ organizationId: ORG })],
      'create, signed out': [org(), create({ organizationId: ORG }, { by: undefined })],
      ...named('get, by', each(['owner', 'member'], (role) => [org(role), orgRow(), get()])),
      'get, by a stranger': [org('owner', ID.vera), orgRow(), get()],
      'update': [org(), orgRow(), update({ name: 'new' })],
      'update, by a member': [org('member'), orgRow(), update({ name: 'new' })],
      'delete': [org(), orgRow(), remove()],
      'delete, by a member': [org('member'), orgRow(), remove()],
      'list': [org(), orgRow(), list(`?organizationId=${ORG}`), list()],
      'list, by a member': [org('member'), orgRow(), list(`?organizationId=${ORG}`)],
    },
  },
  {
    name: 'api-key of organizations, with permissions',
    columns: withOrganization,
    settings: { api_key_references: 'organization' },
    cases: { 'list, of a user': [org(), row(), list()] },
  },
];
