// The admin plugin: its routes, and what it changes in the core's.

import { admin, anonymous, bearer, emailOTP, lastLoginMethod, magicLink, multiSession, oneTimeToken, phoneNumber, username } from 'better-auth/plugins';
import { createAccessControl } from 'better-auth/plugins/access';
import { GET, POST } from '../../http.mjs';
import { PASSWORD, aged, differs, each, named, oddBodies, oddFields } from '../common.mjs';

const columns = { plugins: 'admin', options: () => ({ plugins: [admin()] }) };
const PLUGIN = { columns };
const withOptions = (name, options, settings, cases) => ({
  name: `admin: ${name}`,
  columns,
  options: () => ({ plugins: [admin(options)] }),
  settings,
  cases,
});

const set = (name, columns) => `UPDATE "user" SET ${columns} WHERE id = '{{${name}.id}}'`;
const ADMIN = set('vera', `role = 'admin'`);
const BY = { by: 'vera' };
/** The cases with steps before each. */
const after = (steps, cases) => Object.fromEntries(Object.entries(cases).map(([name, then]) => [name, [steps, then].flat()]));
const get = (path, options = BY) => GET(`/admin/${path}`, options);
const post = (path, body, options = BY) => POST(`/admin/${path}`, body, options);
const ask = (path, body, options) => [ADMIN, post(path, body, options)];
const signIn = (email = 'ada@example.com', password = PASSWORD) => POST('/sign-in/email', { email, password });
const signUp = (fields, options) => POST('/sign-up/email', { email: 'new@example.com', password: PASSWORD, name: 'New', ...fields }, options);
const ADA = { userId: '{{ada.id}}' };
const SELF = { userId: '{{vera.id}}' };
const NOBODY = { userId: 'nobody' };
const NEW = { email: 'new@example.com', name: 'New' };

// Every route, with a request that is right.
const ROUTES = {
  'set-role': post('set-role', { ...ADA, role: 'user' }),
  'get-user': get('get-user?id={{ada.id}}'),
  'create-user': post('create-user', NEW),
  'update-user': post('update-user', { ...ADA, data: { name: 'Augusta' } }),
  'list-users': get('list-users?sortBy=email'),
  'list-user-sessions': post('list-user-sessions', { userId: '{{gina.id}}' }),
  'unban-user': post('unban-user', ADA),
  'ban-user': post('ban-user', ADA),
  'impersonate-user': post('impersonate-user', ADA),
  'stop-impersonating': post('stop-impersonating', {}),
  'revoke-user-session': post('revoke-user-session', { sessionToken: '{{ada.token}}' }),
  'revoke-user-sessions': post('revoke-user-sessions', ADA),
  'remove-user': post('remove-user', ADA),
  'set-user-password': post('set-user-password', { ...ADA, newPassword: 'another password' }),
  'has-permission': post('has-permission', { permissions: { user: ['create'] } }),
};
const BODIES = Object.fromEntries(Object.entries(ROUTES).filter(([, { method }]) => method === 'POST').map(([name, { body }]) => [name, body]));
const USERS = ['set-role', 'update-user', 'list-user-sessions', 'unban-user', 'ban-user', 'impersonate-user', 'revoke-user-sessions', 'remove-user', 'set-user-password'];

// ── Who may ask ──────────────────────────────────────────────────────────────────────────────────

const IMPERSONATING = [ADMIN, post('impersonate-user', ADA)];
const access = {
  ...named('without a session', each(ROUTES, ({ by: _, ...step }) => step)),
  ...named('with a dead session', each(ROUTES, ({ by: _, ...step }) => ({ ...step, cookie: 'better-auth.session_token=x.y' }))),
  ...named('as a user without a role', each(ROUTES, (step) => step)),
  ...named('as a user', each(ROUTES, (step) => [set('vera', `role = 'user'`), step])),
  ...named('as an admin', each(ROUTES, (step) => [ADMIN, step])),
  ...named('in an expired session', each(ROUTES, (step) => [ADMIN, aged('-1 minute', '-7 days', 'vera'), step])),
  ...named('while impersonating', each(ROUTES, ({ by: _, ...step }) => [...IMPERSONATING, { ...step, jar: true }])),
  ...named(
    'role',
    each(['admin,user', 'user,admin', 'user, admin', ' admin', 'Admin', 'ADMIN', 'admin ', ',admin', 'admin,', ',', '', 'user', 'administrator', 'nobody'], (role) => [
      set('vera', `role = '${role}'`),
      ROUTES['list-users'],
      ROUTES['has-permission'],
    ]),
  ),
  'a wrong method': [ADMIN, POST('/admin/list-users', {}, BY), GET('/admin/set-role', BY), GET('/admin/stop-impersonating', BY)],
  'an unknown route': ask('nothing', {}),
  'from another origin': [ADMIN, { ...post('ban-user', ADA), headers: { origin: 'https://elsewhere.example' } }],
  'without an origin': [ADMIN, { ...post('ban-user', ADA), headers: { origin: null } }],
  'the role of a session that is under way': [ROUTES['list-users'], ADMIN, ROUTES['list-users'], set('vera', 'role = NULL'), ROUTES['list-users']],
};

// ── What each takes ──────────────────────────────────────────────────────────────────────────────

const bodies = after(
  ADMIN,
  Object.assign(
    {},
    ...Object.entries(BODIES).map(([name, body]) => oddFields(`/admin/${name}`, body, BY)),
    ...Object.keys(BODIES).map((name) => oddBodies(`/admin/${name}`, BY)),
  ),
);
const ids = named(
  'userId',
  each(
    {
      'a number': 12345,
      'a fraction': 1.5,
      'a large number': 1e21,
      'a small number': 1e-7,
      'true': true,
      'nested arrays': [1, [2, null, ['x']]],
      'the id in an array': ['{{ada.id}}'],
      'the id in capitals': 'ADAZ9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z',
      'with a space': '{{ada.id}} ',
      'with a quote': `{{ada.id}}' OR '1'='1`,
    },
    (userId) => [ADMIN, ...USERS.map((name) => post(name, { ...BODIES[name], userId }))],
  ),
);

// ── Roles ────────────────────────────────────────────────────────────────────────────────────────

const roles = {
  'set-role: each': each(['user', 'admin', 'wizard', '', ' ', 'admin,user', 'a,,b', '"', ['user', 'admin'], ['wizard'], [], [''], ['a,b', 'c']], (role) => ask('set-role', { ...ADA, role })),
  'set-role: of nobody': ask('set-role', { ...NOBODY, role: 'user' }),
  'set-role: of oneself, and then nothing more': [...ask('set-role', { ...SELF, role: 'user' }), ROUTES['list-users']],
  'set-role: makes an admin': [...ask('set-role', { ...ADA, role: 'admin' }), get('list-users?sortBy=email', { by: 'ada' })],
};
const flatRoles = Object.assign({ ...roles }, named('set-role', roles['set-role: each']));
delete flatRoles['set-role: each'];

// ── Users ────────────────────────────────────────────────────────────────────────────────────────

const create = (fields) => ask('create-user', { ...NEW, ...fields });
const creating = named('create-user', {
  'without a password': [...create(), signIn('new@example.com')],
  'with a password': [...create({ password: PASSWORD }), signIn('new@example.com')],
  'with an empty password': create({ password: '' }),
  'with a short password': [...create({ password: 'x' }), signIn('new@example.com', 'x')],
  'with a long password': create({ password: 'x'.repeat(129) }),
  'whose email is taken': create({ email: 'Ada@Example.com' }),
  'in capitals': create({ email: 'NEW@Example.COM', name: 'NEW' }),
  'with no email': create({ email: 'not an email' }),
  'twice': [...create(), post('create-user', NEW)],
  ...named('role', each(['user', 'admin', 'wizard', '', ['user', 'admin'], [], ['x']], (role) => create({ role }))),
  ...named('data.role', each(['user', 'admin', '', ['user', 'admin'], [], 5, null, [5], { a: 1 }, true], (role) => create({ data: { role } }))),
  'role and data.role': create({ role: 'user', data: { role: 'admin' } }),
  ...named(
    'data',
    each(
      {
        'empty': {},
        'of fields that are none': { nothing: 1, __proto__x: 2, password: 'x', token: 'y' },
        'email and name': { email: 'other@example.com', name: 'Other' },
        'emailVerified': { emailVerified: true },
        'image': { image: 'https://example.com/x.png' },
        'image null': { image: null },
        'banned': { banned: true },
        'banned, with a reason': { banned: true, banReason: 'spam' },
        'banned for a time': { banned: true, banExpires: '2099-01-01T00:00:00.000Z' },
        'not banned': { banned: false, banReason: null, banExpires: null },
        'times': { createdAt: '2020-01-02T03:04:05.678Z', updatedAt: '2021-01-02T03:04:05.678Z' },
      },
      (data) => create({ data }),
    ),
  ),
  'banned by data': [...create({ password: PASSWORD, data: { banned: true, banReason: 'spam' } }), signIn('new@example.com')],
});

const update = (data, user = ADA) => ask('update-user', { ...user, data });
const updating = named('update-user', {
  ...each(
    {
      'name': { name: 'Augusta' },
      'image': { image: 'https://example.com/x.png' },
      'no image': { image: null },
      'nothing': {},
      'fields that are none': { nothing: 1 },
      'password': { password: 'x' },
      'password null': { password: null },
      'id': { id: 'x' },
      'role': { role: 'admin' },
      'roles': { role: ['user', 'admin'] },
      'no roles': { role: [] },
      'role null': { role: null },
      'role a number': { role: 5 },
      'role with a number': { role: ['x', 5] },
      'role an object': { role: {} },
      'banned': { banned: true },
      'banned with all': { banned: true, banReason: 'spam', banExpires: '2099-01-01T00:00:00.000Z' },
      'not banned': { banned: false },
      'banReason': { banReason: 'x' },
      'banReason null': { banReason: null },
      'banExpires null': { banExpires: null },
      'email': { email: 'Augusta@Example.com' },
      'email that is taken': { email: 'GINA@example.com' },
      'the same email': { email: 'ADA@example.com' },
      'no email': { email: 'x' },
      'email null': { email: null },
      'email a number': { email: 5 },
      'email in an array': { email: ['augusta@example.com'] },
      'emailVerified': { emailVerified: true },
      'phoneNumber, without that plugin': { phoneNumber: '+1' },
      'createdAt': { createdAt: '2020-01-02T03:04:05.678Z' },
      'all': { name: 'Augusta', role: 'x', banned: false, email: 'augusta@example.com', emailVerified: true, image: 'i' },
    },
    (data) => update(data),
  ),
  ...named('oneself', each({ 'name': { name: 'V' }, 'role': { role: 'user' }, 'banned': { banned: true }, 'not banned': { banned: false }, 'banReason': { banReason: 'x' }, 'email': { email: 'v@example.com' } }, (data) => [...update(data, SELF), ROUTES['list-users']])),
  'of nobody': update({ name: 'x' }, NOBODY),
  'of nobody, with a taken email': update({ email: 'gina@example.com' }, NOBODY),
  'ends the sessions of who is banned': [...update({ banned: true }), GET('/get-session', { by: 'ada' }), signIn()],
});

const reading = named('get-user', {
  ...each(['', 'nobody', '{{ada.id}}', '{{vera.id}}', '{{ada.id}}%20', '%00x'.slice(3), `'`], (id) => [ADMIN, get(`get-user?id=${id}`)]),
  'without an id': [ADMIN, get('get-user')],
  'with two ids': [ADMIN, get('get-user?id=a&id=b')],
  'with an id and more': [ADMIN, get('get-user?id={{ada.id}}&x=y')],
});

// ── Bans ─────────────────────────────────────────────────────────────────────────────────────────

const ban = (fields, user = ADA) => ask('ban-user', { ...user, ...fields });
const UNBANNED = post('unban-user', ADA);
const bans = {
  ...named('ban-user', {
    ...each(
      {
        'at all': {},
        'with a reason': { banReason: 'spam' },
        'with no reason': { banReason: '' },
        'for a while': { banExpiresIn: 3600 },
        'for no time': { banExpiresIn: 0 },
        'for a fraction': { banExpiresIn: 0.5 },
        'for less than no time': { banExpiresIn: -3600 },
        'for long': { banExpiresIn: 1e8 },
      },
      (fields) => [...ban(fields), signIn(), GET('/get-session', { by: 'ada' })],
    ),
    'of oneself': ban({}, SELF),
    'of nobody': ban({}, NOBODY),
    'of an admin': [set('ada', `role = 'admin'`), ...ban()],
    'twice': [...ban({ banReason: 'one', banExpiresIn: 3600 }), post('ban-user', { ...ADA, banReason: 'two' })],
  }),
  ...named('unban-user', {
    'of who is banned': [...ban({ banReason: 'spam', banExpiresIn: 3600 }), UNBANNED, signIn()],
    'of who is not': [ADMIN, UNBANNED],
    'of oneself': [ADMIN, post('unban-user', SELF)],
    'of nobody': [ADMIN, post('unban-user', NOBODY)],
  }),
  ...named('a banned user', {
    'signs in': [set('ada', 'banned = true'), signIn()],
    'signs in with a wrong password': [set('ada', 'banned = true'), signIn('ada@example.com', 'wrong password')],
    'signs in after the ban': [set('ada', `banned = true, "banReason" = 'x', "banExpires" = now() - interval '1 minute'`), signIn(), GET('/get-session', { by: 'ada' })],
    'signs in before its end': [set('ada', `banned = true, "banReason" = 'x', "banExpires" = now() + interval '1 minute'`), signIn()],
    'whose ban is over, but not banned': [set('ada', `banned = false, "banReason" = 'x', "banExpires" = now() - interval '1 minute'`), signIn()],
    'with banned null': [set('ada', `banned = NULL, "banExpires" = now() + interval '1 minute'`), signIn()],
    'goes on in a session': [set('ada', 'banned = true'), GET('/get-session', { by: 'ada' }), POST('/update-user', { name: 'A' }, { by: 'ada' })],
    'changes the password, and all sessions': [
      set('ada', 'banned = true'),
      POST('/change-password', { currentPassword: PASSWORD, newPassword: 'another password', revokeOtherSessions: true }, { by: 'ada' }),
    ],
    'is impersonated': [...ban(), post('impersonate-user', ADA)],
    'is impersonated after the ban': [ADMIN, set('ada', `banned = true, "banReason" = 'x', "banExpires" = now() - interval '1 minute'`), post('impersonate-user', ADA)],
  }),
};

// ── Impersonation ────────────────────────────────────────────────────────────────────────────────

const STOP = post('stop-impersonating', {}, { jar: true });
const UNREMEMBERED = [ADMIN, POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD, rememberMe: false }), post('impersonate-user', ADA, { jar: true })];
const without = (name) => ({ ...STOP, jar: ({ [name]: _, ...jar }) => jar });
const impersonation = {
  ...named('impersonate-user', {
    'and back': [...IMPERSONATING, GET('/get-session', { jar: true }), STOP, GET('/get-session', { jar: true })],
    'without being remembered, and back': [...UNREMEMBERED, GET('/get-session', { jar: true }), STOP, GET('/get-session', { jar: true })],
    'of nobody': ask('impersonate-user', NOBODY),
    'of an admin': [set('ada', `role = 'admin'`), ...IMPERSONATING],
    'of one who is an admin too': [set('ada', `role = 'user,admin'`), ...IMPERSONATING],
    'of one whose role has a space': [set('ada', `role = 'user, admin'`), ...IMPERSONATING],
    'of one with another role': [set('ada', `role = 'Admin'`), ...IMPERSONATING],
    'of oneself': ask('impersonate-user', SELF),
    'twice': [...IMPERSONATING, post('impersonate-user', { userId: '{{gina.id}}' }, { jar: true })],
    'by an admin with a dont_remember of another value': [ADMIN, { ...post('impersonate-user', ADA), by: undefined, cookie: 'better-auth.session_token={{sign:vera.token}}; better-auth.dont_remember=x' }],
    'ends with its hour': [...IMPERSONATING, `UPDATE session SET "expiresAt" = now() - interval '1 second' WHERE "impersonatedBy" IS NOT NULL`, GET('/get-session', { jar: true }), STOP],
    'is not prolonged': [...IMPERSONATING, `UPDATE session SET "expiresAt" = now() + interval '1 minute', "updatedAt" = now() - interval '3 days' WHERE "impersonatedBy" IS NOT NULL`, GET('/get-session', { jar: true })],
    'and sign-out': [...IMPERSONATING, POST('/sign-out', {}, { jar: true }), GET('/get-session', { jar: true })],
    'and change of the password': [...IMPERSONATING, POST('/change-password', { currentPassword: PASSWORD, newPassword: 'another password', revokeOtherSessions: true }, { jar: true })],
    'is not in list-sessions': [...IMPERSONATING, GET('/list-sessions', { by: 'ada' }), GET('/list-sessions', { jar: true }), post('list-user-sessions', ADA)],
    'and revoke-sessions': [...IMPERSONATING, POST('/revoke-sessions', {}, { by: 'ada' }), GET('/get-session', { jar: true })],
  }),
  ...named('stop-impersonating', {
    'of nobody': [ADMIN, ROUTES['stop-impersonating']],
    'without the admin’s cookie': [...IMPERSONATING, without('better-auth.admin_session')],
    'without the session’s cookie': [...IMPERSONATING, without('better-auth.session_token')],
    'with an unsigned cookie': [...IMPERSONATING, { ...STOP, jar: (jar, known) => ({ ...jar, 'better-auth.admin_session': `${known['vera.token']}%3A` }) }],
    'with another admin’s': [
      set('gina', `role = 'admin'`),
      ...IMPERSONATING,
      { ...STOP, jar: (jar) => ({ ...jar, 'better-auth.admin_session': '{{sign:gina.token}}' }) },
    ],
    'with a cookie of another kind': [...IMPERSONATING, { ...STOP, jar: (jar) => ({ ...jar, 'better-auth.admin_session': jar['better-auth.session_token'] }) }],
    'of an admin whose session is gone': [...IMPERSONATING, `DELETE FROM session WHERE token = '{{vera.token}}'`, STOP],
    'of an admin who is gone': [...IMPERSONATING, `DELETE FROM "user" WHERE id = '{{vera.id}}'`, STOP],
    'of an admin who is none any more': [...IMPERSONATING, set('vera', `role = 'user'`), STOP],
    'of an admin whose session has expired': [...IMPERSONATING, aged('-1 minute', '-7 days', 'vera'), STOP],
    'twice': [...IMPERSONATING, STOP, STOP],
    'in a session that is gone': [...IMPERSONATING, `DELETE FROM session WHERE "impersonatedBy" IS NOT NULL`, STOP],
    'without a body': [...IMPERSONATING, { ...STOP, body: undefined }],
    'of another origin': [...IMPERSONATING, { ...STOP, headers: { origin: 'https://elsewhere.example' } }],
  }),
};

// ── Sessions, passwords, removal ─────────────────────────────────────────────────────────────────

const others = {
  ...named('list-user-sessions', {
    'of one': ask('list-user-sessions', { userId: '{{gina.id}}' }),
    'of nobody': ask('list-user-sessions', NOBODY),
    'of oneself': ask('list-user-sessions', SELF),
    'expired ones too': [ADMIN, aged('-1 minute', '-7 days', 'gina'), post('list-user-sessions', { userId: '{{gina.id}}' })],
  }),
  ...named('revoke-user-session', {
    'of one': [...ask('revoke-user-session', { sessionToken: '{{ada.token}}' }), GET('/get-session', { by: 'ada' }), GET('/get-session', { by: 'ada2' })],
    'of nobody': ask('revoke-user-session', { sessionToken: 'x'.repeat(32) }),
    'empty': ask('revoke-user-session', { sessionToken: '' }),
    'of oneself': [...ask('revoke-user-session', { sessionToken: '{{vera.token}}' }), ROUTES['list-users']],
  }),
  ...named('revoke-user-sessions', {
    'of one': [...ask('revoke-user-sessions', ADA), GET('/get-session', { by: 'ada' }), GET('/get-session', { by: 'ada2' })],
    'of nobody': ask('revoke-user-sessions', NOBODY),
    'of oneself': [...ask('revoke-user-sessions', SELF), ROUTES['list-users']],
  }),
  ...named('remove-user', {
    'of one': [...ask('remove-user', ADA), GET('/get-session', { by: 'ada' }), signIn()],
    'of nobody': ask('remove-user', NOBODY),
    'of oneself': [...ask('remove-user', SELF), ROUTES['list-users']],
    'of an admin': [set('ada', `role = 'admin'`), ...ask('remove-user', ADA)],
    'twice': [...ask('remove-user', ADA), post('remove-user', ADA)],
  }),
  ...named('set-user-password', {
    'of one': [...ask('set-user-password', { ...ADA, newPassword: 'another password' }), signIn(), signIn('ada@example.com', 'another password'), GET('/get-session', { by: 'ada' })],
    'of one without a password': [...ask('set-user-password', { userId: '{{gina.id}}', newPassword: 'another password' }), signIn('gina@example.com', 'another password')],
    'of oneself': [...ask('set-user-password', { ...SELF, newPassword: 'another password' }), signIn('vera@example.com', 'another password')],
    'of nobody': ask('set-user-password', { ...NOBODY, newPassword: 'another password' }),
    'too short': ask('set-user-password', { ...ADA, newPassword: 'x' }),
    'too long': ask('set-user-password', { ...ADA, newPassword: 'x'.repeat(129) }),
    'too short, of nobody': ask('set-user-password', { ...NOBODY, newPassword: 'x' }),
    'too short, as nobody who may': post('set-user-password', { ...ADA, newPassword: 'x' }),
  }),
};

// ── Permissions ──────────────────────────────────────────────────────────────────────────────────

const permissions = named(
  'has-permission',
  each(
    {
      'one': { permissions: { user: ['create'] } },
      'several': { permissions: { user: ['create', 'ban'], session: ['list'] } },
      'one that the admin lacks': { permissions: { user: ['impersonate-admins'] } },
      'one of several lacking': { permissions: { user: ['create'], session: ['list', 'nothing'] } },
      'an unknown resource': { permissions: { nothing: ['x'] } },
      'no action': { permissions: { user: [] } },
      'no action of one': { permissions: { user: ['create'], session: [] } },
      'none': { permissions: {} },
      'the old name': { permission: { user: ['create'] } },
      'both names': { permission: { user: ['create'] }, permissions: { user: ['create'] } },
      'both names, one wrong': { permission: 5, permissions: { user: ['create'] } },
      'neither': {},
      'null': { permissions: null },
      'an array': { permissions: [] },
      'an action that is no array': { permissions: { user: 'create' } },
      'an action that is no text': { permissions: { user: [5] } },
      'of another role': { role: 'user', permissions: { user: ['create'] } },
      'of another user': { userId: '{{ada.id}}', permissions: { user: ['create'] } },
      'of a role that is no text': { role: 5, permissions: { user: ['create'] } },
      'of a role that is no text, and nothing': { role: 5 },
      'of a user who is null': { userId: null, permissions: { user: ['create'] } },
    },
    (body) => [post('has-permission', body), ADMIN, post('has-permission', body)],
  ),
);

// ── The list of users ────────────────────────────────────────────────────────────────────────────

const MORE = `INSERT INTO "user" (id, name, email, "emailVerified", role, banned, "banReason", "banExpires", "createdAt", "updatedAt")
  SELECT 'user' || n, 'User ' || n, 'user' || n || '@example.org', n % 2 = 0, CASE n % 3 WHEN 0 THEN 'user' WHEN 1 THEN 'support' END,
    CASE n % 4 WHEN 0 THEN true WHEN 1 THEN false END, CASE n % 4 WHEN 0 THEN '50% off_by\\one' END,
    CASE n % 8 WHEN 0 THEN timestamptz '2099-01-01 00:00:00Z' END, timestamptz '2020-01-01 00:00:00Z' + n * interval '1 day', timestamptz '2021-01-01 00:00:00Z' + n * interval '1 day'
  FROM generate_series(10, 39) n`;
const list = (query) => get(`list-users?${new URLSearchParams(query)}`);
const raw = (query) => get(`list-users?${query}`);
const FIELDS = {
  id: 'user12',
  name: 'User 12',
  email: 'user12@example.org',
  emailVerified: 'true',
  image: 'https://example.com/vera.png',
  createdAt: '2020-01-20T00:00:00.000Z',
  updatedAt: '2021-01-20T00:00:00.000Z',
  role: 'support',
  banned: 'true',
  banReason: '50% off_by\\one',
  banExpires: '2099-01-01T00:00:00.000Z',
};
const OPERATORS = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'not_in', 'contains', 'starts_with', 'ends_with'];
const BAD_NAMES = ['nothing', 'password', 'token', 'emailverified', 'constructor', '__proto__', 'toString', ' email', 'email ', 'user.email', '*', '1', 'email desc', 'email"; DROP TABLE "user"; --', `email' OR '1'='1`, 'image); --', ''];
const SORTED = {
  createdAt: ['user12', 'user13', '{{vera.id}}'],
  updatedAt: ['user12', 'user13', '{{vera.id}}'],
  emailVerified: ['user12', 'user13'],
  image: ['{{vera.id}}', 'user13'],
  role: ['user12', 'user13', 'user14', '{{vera.id}}'],
  banned: ['user12', 'user13', 'user14'],
  banReason: ['user12', 'user13'],
  banExpires: ['user16', 'user13'],
};
const listing = after([ADMIN, MORE], {
  ...named('limit', each(['0', '1', '5', '007', '-1', '1.5', '1e1', '0x5', ' 3 ', '+4', 'abc', 'NaN', 'Infinity', '-Infinity', '1e400', '99999999999999999999', '', ' ', 'null', '1_0', '5n', '\u00a05', '5;'], (limit) => list({ sortBy: 'email', limit }))),
  ...named('offset', each(['0', '1', '30', '1000', '-1', '1.5', '1e1', 'abc', 'Infinity', '', '99999999999999999999'], (offset) => list({ sortBy: 'email', offset, limit: 3 }))),
  'limit twice': raw('limit=1&limit=2'),
  'all at once': list({ searchValue: 'user1', searchField: 'email', searchOperator: 'starts_with', filterField: 'role', filterValue: 'support', filterOperator: 'eq', sortBy: 'createdAt', sortDirection: 'desc', limit: 2, offset: 1 }),
  // Of users that differ in it: the order of others is up to PostgreSQL.
  ...named(
    'sortBy',
    each({ email: null, name: null, id: null, _id: null, ...SORTED }, (differing, sortBy) =>
      ['asc', 'desc'].map((sortDirection) => {
        const among = differing?.map((id) => `&filterValue=${id}`).join('') ?? '';
        return raw(`sortBy=${sortBy}&sortDirection=${sortDirection}&limit=200${among && `&filterField=id&filterOperator=in${among}`}`);
      }),
    ),
  ),
  ...named('sortBy', each(BAD_NAMES, (sortBy) => list({ sortBy, filterField: 'id', filterValue: 'user12' }))),
  ...named('sortDirection', each(['asc', 'desc', 'ASC', 'up', '', 'asc; --'], (sortDirection) => list({ sortBy: 'email', sortDirection }))),
  'sortDirection alone': list({ sortDirection: 'desc', filterField: 'id', filterValue: 'user12' }),
  ...named('search', {
    ...each(['user1', 'USER1', 'example', '@', '%', '_', 'user_1', 'u%1', '\\', '%\\', '\\%', 'u\\ser1', '', ' ', `'`, `' OR true --`, 'é', 'user\u00001'.slice(0, 4)], (searchValue) => [
      ...['contains', 'starts_with', 'ends_with'].map((searchOperator) => list({ sortBy: 'email', searchValue, searchOperator })),
      list({ sortBy: 'email', searchValue, searchField: 'name' }),
      list({ sortBy: 'email', searchValue }),
    ]),
    'field only': list({ sortBy: 'email', searchField: 'name', limit: 3 }),
    'operator only': list({ sortBy: 'email', searchOperator: 'ends_with', limit: 3 }),
    ...named('field', each(['email', 'name', 'id', 'Email', ''], (searchField) => list({ sortBy: 'email', searchValue: 'user1', searchField }))),
    ...named('operator', each(['contains', 'starts_with', 'ends_with', 'eq', 'like', ''], (searchOperator) => list({ sortBy: 'email', searchValue: 'user1', searchOperator }))),
    'twice': raw('searchValue=a&searchValue=b'),
  }),
  ...Object.assign(
    {},
    ...Object.entries(FIELDS).map(([filterField, filterValue]) =>
      named(
        `filter ${filterField}`,
        each(OPERATORS, (filterOperator) => [
          list({ sortBy: 'email', filterField, filterOperator, filterValue }),
          raw(`sortBy=email&filterField=${filterField}&filterOperator=${filterOperator}&filterValue=${encodeURIComponent(filterValue)}&filterValue=false`),
        ]),
      ),
    ),
  ),
  ...named('filter value', {
    ...named('of a boolean', each(['true', 'false', 'TRUE', '1', 'yes', ''], (filterValue) => list({ sortBy: 'email', filterField: 'banned', filterValue }))),
    ...named('of a date', each(['2020-01-20', 'yesterday', 'nonsense', '', 'infinity', '2020-01-20T00:00:00+02:00', '1579478400000'], (filterValue) => list({ sortBy: 'email', filterField: 'createdAt', filterOperator: 'gt', filterValue }))),
    ...named('of a text', each(['', ' ', `'`, '%', '\\', 'null'], (filterValue) => list({ sortBy: 'email', filterField: 'role', filterOperator: 'ne', filterValue }))),
    ...named('of none', each(OPERATORS, (filterOperator) => list({ sortBy: 'email', filterField: 'banReason', filterOperator, limit: 3 }))),
  }),
  ...named('filter field', each(BAD_NAMES, (filterField) => list({ sortBy: 'email', filterField, filterValue: 'user12' }))),
  ...named('filter operator', each(['EQ', 'like', '', '=', 'is'], (filterOperator) => list({ filterField: 'id', filterOperator, filterValue: 'user12' }))),
  'filter by email where no field is said': list({ filterValue: 'user12@example.org' }),
  'many values': raw(`sortBy=email&filterField=id&filterOperator=in&${Array.from({ length: 50 }, (_, n) => `filterValue=user${n}`).join('&')}`),
  'search and filter': list({ sortBy: 'email', searchValue: 'user', filterField: 'banned', filterValue: 'true', filterOperator: 'eq' }),
  'more than a hundred': [
    `INSERT INTO "user" (id, name, email, "emailVerified") SELECT 'more' || n, 'More', 'more' || n || '@example.net', false FROM generate_series(100, 299) n`,
    list({ sortBy: 'email' }),
    list({ sortBy: 'email', limit: 150, offset: 100 }),
  ],
  'odd parameters': raw('sortBy=email&limit=3&x=y&users=z&total=5'),
});
listing['limit over 1000'] = differs(
  'userPages',
  [
    ADMIN,
    `INSERT INTO "user" (id, name, email, "emailVerified") SELECT 'more' || n, 'More', 'more' || n || '@example.net', false FROM generate_series(1, 1200) n`,
    list({ sortBy: 'email', limit: 5000 }),
  ],
  [1203, 1203, 5000],
  [1000, 1203, 1000],
  ({ answers }) => {
    const { users, total, limit } = JSON.parse(answers.at(-1).body);
    return [users.length, total, limit];
  },
);

// ── What it changes in the core ──────────────────────────────────────────────────────────────────

const core = {
  ...named('sign-up', {
    'as it is': signUp(),
    ...named('with role', each(['admin', 'user', '', null, 0, false, ['admin'], {}], (role) => signUp({ role }))),
    ...named('with banned', each([true, false, null, 'x'], (banned) => signUp({ banned }))),
    'with banReason': signUp({ banReason: 'x' }),
    'with banExpires': signUp({ banExpires: '2099-01-01T00:00:00.000Z' }),
    'with impersonatedBy': signUp({ impersonatedBy: 'x' }),
  }),
  ...named('update-user', each({ 'role': { role: 'admin' }, 'role empty': { role: '', name: 'A' }, 'role null': { role: null }, 'banned': { banned: true }, 'not banned': { banned: false }, 'banReason': { banReason: 'x' }, 'banExpires': { banExpires: null, name: 'A' }, 'impersonatedBy': { impersonatedBy: 'x' } }, (fields) => [POST('/update-user', fields, { by: 'ada' }), GET('/get-session', { by: 'ada' })])),
  ...named('update-session', each({ 'impersonatedBy': { impersonatedBy: '{{vera.id}}' }, 'impersonatedBy empty': { impersonatedBy: '' }, 'role': { role: 'admin' } }, (fields) => POST('/update-session', fields, { by: 'ada' }))),
  'get-session': [ADMIN, GET('/get-session', BY)],
  'sign-in': signIn(),
  'list-sessions': GET('/list-sessions', { by: 'ada' }),
};

// ── What differs ─────────────────────────────────────────────────────────────────────────────────

const BANNED_ADMIN = [ADMIN, set('vera', 'banned = true')];
const VERIFIED = { emailAndPassword: { requireEmailVerification: true } };
const differing = {
  ...named('a banned admin', each({ 'list-users': [200, undefined], 'ban-user': [200, undefined], 'create-user': [200, undefined], 'has-permission': [200, undefined] }, (theirs) => theirs)),
};
for (const [name, theirs] of Object.entries(differing)) {
  differing[name] = differs('bannedAdmin', [...BANNED_ADMIN, ROUTES[name.split(': ')[1]]], theirs, [403, 'BANNED_USER']);
}
Object.assign(differing, {
  'create-user with an id': differs('givenId', create({ data: { id: 'given' } }), [200, undefined], [400, 'FIELD_NOT_ALLOWED']),
  ...named(
    'JavaScript’s names',
    {
      'a resource': differs('javascriptNames', ask('has-permission', { permissions: { constructor: ['x'] } }), [500, ''], [200, undefined]),
      'a role': differs('javascriptNames', [set('vera', `role = 'constructor'`), ROUTES['list-users']], [500, ''], [403, 'YOU_ARE_NOT_ALLOWED_TO_LIST_USERS']),
    },
  ),
  ...named('update-user', {
    'name null': differs('nameNull', update({ name: null }), [500, ''], [400, 'VALIDATION_ERROR']),
    'name a number': differs('nameType', update({ name: 5 }), [200, undefined], [400, 'VALIDATION_ERROR']),
    'banned a text': differs('adminTypes', update({ banned: 'true' }, SELF), [200, undefined], [400, 'VALIDATION_ERROR']),
    'emailVerified null': differs('adminTypes', update({ emailVerified: null }), [500, ''], [400, 'VALIDATION_ERROR']),
    'createdAt nonsense': differs('adminTypes', update({ createdAt: 'nonsense' }), [500, ''], [400, 'VALIDATION_ERROR']),
  }),
  'a ban without an end that JavaScript has': differs('banEnds', ban({ banExpiresIn: 1e20 }), [500, ''], [200, undefined]),
  'a ban that ends late': differs('banEnds', ban({ banExpiresIn: 1e12 }), true, false, ({ answers }) => answers.at(-1).body.includes('"banExpires":"+')),
});
const pretended = {
  name: 'admin: a sign-up that must not tell',
  columns,
  options: () => VERIFIED,
  settings: { require_email_verification: 'on' },
  cases: {
    'whose email is taken': differs(
      'pretendedRole',
      [signUp({ email: 'ada@example.com' })],
      [200, null],
      [200, 'user'],
      ({ answers: [{ status, body }] }) => [status, JSON.parse(body).user.role],
    ),
    'whose email is free': signUp(),
  },
};

// ── Its options ──────────────────────────────────────────────────────────────────────────────────

const STATEMENT = { user: ['create', 'list', 'get', 'update', 'set-role', 'set-email', 'ban', 'impersonate', 'impersonate-admins'], session: ['list', 'revoke'], project: ['create', 'share'] };
const ROLES = {
  admin: { user: ['create', 'list', 'get', 'update', 'set-role', 'set-email', 'ban', 'impersonate'], session: ['list', 'revoke'], project: ['create', 'share'] },
  boss: { user: ['create', 'list', 'get', 'update', 'set-role', 'ban', 'impersonate', 'impersonate-admins'], session: ['list'] },
  creator: { user: ['create'] },
  editor: { user: ['update'] },
  reader: { user: ['list', 'get'] },
  member: { project: ['create'] },
  nothing: {},
};
const ac = createAccessControl(STATEMENT);
const roleObjects = Object.fromEntries(Object.entries(ROLES).map(([name, statements]) => [name, ac.newRole(statements)]));
const roleOf = (role) => set('vera', `role = '${role}'`);
const options = [
  withOptions('roles', { ac, roles: roleObjects, adminRoles: ['admin', 'boss'], defaultRole: 'member' }, { admin_roles: JSON.stringify(ROLES), admin_admin_roles: 'admin, boss', admin_default_role: 'member' }, {
    ...named(
      'each role on each route',
      Object.assign({}, ...Object.keys(ROLES).map((role) => named(role, each(ROUTES, (step) => [roleOf(role), step])))),
    ),
    ...named('no role', each(ROUTES, (step) => step)),
    ...named('two roles', each(['creator,reader', 'reader,creator', 'reader, creator', 'unknown,reader'], (role) => [roleOf(role), ROUTES['create-user'], ROUTES['list-users']])),
    ...named('set-role', each(['member', 'admin', 'user', 'nothing', '', ['member', 'reader'], ['member', 'user'], [], 'member,reader'], (role) => ask('set-role', { ...ADA, role }))),
    ...named('create-user', each(['member', 'user', ['member', 'reader'], ['member', 'x'], 'member,reader'], (role) => [...create({ role })])),
    ...named('create-user, data', each(['member', 'user', ['member', 'x']], (role) => create({ data: { role } }))),
    'create-user without a role': create(),
    'create-user by who may not set roles': [roleOf('creator'), post('create-user', { ...NEW, role: 'member' })],
    'create-user with a data.role by who may not set roles': [roleOf('creator'), post('create-user', { ...NEW, data: { role: 'member' } })],
    'create-user, banned, by who may not ban': [roleOf('creator'), post('create-user', { ...NEW, data: { banned: false } })],
    ...named('update-user', each({ 'known': 'reader', 'unknown': 'user', 'several': ['member', 'reader'], 'one unknown': ['member', 'user'] }, (role) => update({ role }))),
    ...named('update-user by an editor', each({ 'name': { name: 'x' }, 'role': { role: 'member' }, 'banned': { banned: true }, 'banReason': { banReason: null }, 'email': { email: 'x@example.com' }, 'emailVerified': { emailVerified: true }, 'phoneNumber': { phoneNumber: '+1' }, 'phoneNumberVerified': { phoneNumberVerified: true }, 'id': { id: 'x' } }, (data) => [roleOf('editor'), post('update-user', { ...ADA, data })])),
    ...named('impersonate', each(['admin', 'boss', 'member,boss', 'reader', 'creator'], (role) => [set('ada', `role = '${role}'`), ADMIN, post('impersonate-user', ADA)])),
    ...named('impersonate as a boss', each(['admin', 'boss', 'reader'], (role) => [set('ada', `role = '${role}'`), roleOf('boss'), post('impersonate-user', ADA)])),
    ...named('has-permission', each({ 'own': { project: ['create'] }, 'both': { project: ['create', 'share'] }, 'mixed': { project: ['create'], user: ['list'] }, 'lacking': { project: ['delete'] } }, (wanted) => Object.keys(ROLES).flatMap((role) => [roleOf(role), post('has-permission', { permissions: wanted })]))),
    'sign-up': [signUp(), signUp({ email: 'other@example.com', role: 'admin' })],
  }),
  withOptions('adminUserIds', { adminUserIds: ['AdaZ9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z', 'nobody'] }, { admin_admin_user_ids: 'AdaZ9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z9Z, nobody' }, {
    ...named('by one', each(ROUTES, (step) => ({ ...step, by: 'ada' }))),
    'permissions of one': post('has-permission', { permissions: { nothing: ['x'] } }, { by: 'ada' }),
    'no permissions of one': post('has-permission', { permissions: {} }, { by: 'ada' }),
    'an admin by role': [ADMIN, ROUTES['list-users']],
    'one is not impersonated': ask('impersonate-user', ADA),
    'one impersonates an admin': [ADMIN, post('impersonate-user', SELF, { by: 'ada' })],
  }),
  withOptions('adminRoles as a text', { adminRoles: 'admin,user' }, { admin_admin_roles: 'admin,user' }, {
    'impersonates no user': [set('ada', `role = 'user'`), ...ask('impersonate-user', ADA)],
    'impersonates no user without a role': ask('impersonate-user', ADA),
    'impersonates others': [set('ada', `role = 'other'`), ...ask('impersonate-user', ADA)],
  }),
  withOptions('allowImpersonatingAdmins', { allowImpersonatingAdmins: true }, { admin_allow_impersonating_admins: 'on' }, {
    'an admin': [set('ada', `role = 'admin'`), ...IMPERSONATING, GET('/get-session', { jar: true }), ...Object.values(ROUTES).map(({ by: _, ...step }) => ({ ...step, jar: true }))],
    'oneself': [...ask('impersonate-user', SELF), STOP],
    'an admin who impersonates': [set('ada', `role = 'admin'`), ...IMPERSONATING, post('impersonate-user', { userId: '{{gina.id}}' }, { jar: true }), STOP, GET('/get-session', { jar: true })],
  }),
  withOptions('durations and texts', { impersonationSessionDuration: 60, defaultBanReason: 'because', defaultBanExpiresIn: 600, bannedUserMessage: 'You are out.' }, { admin_impersonation_session_duration: 60, admin_default_ban_reason: 'because', admin_default_ban_expires_in: 600, admin_banned_user_message: 'You are out.' }, {
    'impersonates': [...IMPERSONATING, GET('/get-session', { jar: true })],
    ...named('bans', each({ 'at all': {}, 'with a reason': { banReason: 'x' }, 'with no reason': { banReason: '' }, 'for a time': { banExpiresIn: 60 }, 'for no time': { banExpiresIn: 0 } }, (fields) => [...ban(fields), signIn()])),
  }),
  withOptions('defaultRole', { defaultRole: 'admin' }, { admin_default_role: 'admin' }, {
    'a user without a role': [ROUTES['list-users'], post('impersonate-user', ADA)],
    'sign-up': signUp(),
    'create-user': [post('create-user', NEW), post('create-user', { ...NEW, email: 'b@example.com', role: 'user' })],
  }),
];

const CACHED = { session: { cookieCache: { enabled: true } } };
const SIGN_IN_VERA = POST('/sign-in/email', { email: 'vera@example.com', password: PASSWORD }, { as: 'in' });
const cache = {
  name: 'admin: with the cookie cache',
  columns,
  options: () => CACHED,
  settings: { cookie_cache: 'on' },
  cases: {
    'impersonates and back': [ADMIN, SIGN_IN_VERA, post('impersonate-user', ADA, { jar: true }), GET('/get-session', { jar: true }), STOP, GET('/get-session', { jar: true })],
    'a role that was taken': [ADMIN, SIGN_IN_VERA, set('vera', `role = 'user'`), get('list-users?sortBy=email', { jar: true }), GET('/get-session', { jar: true })],
    'a session that was revoked': [ADMIN, SIGN_IN_VERA, `DELETE FROM session`, get('list-users?sortBy=email', { jar: true }), post('ban-user', ADA, { jar: true }), post('has-permission', { permissions: {} }, { jar: true })],
  },
};

const SECURE = {
  name: 'admin: with secure cookies of a prefix',
  columns,
  prefix: '__Secure-app',
  options: () => ({ advanced: { useSecureCookies: true, cookiePrefix: 'app' } }),
  settings: { use_secure_cookies: 'on', cookie_prefix: 'app' },
  cases: { 'impersonates and back': [...IMPERSONATING, GET('/get-session', { jar: true }), STOP] },
};

// ── Beside other plugins ─────────────────────────────────────────────────────────────────────────

const OTHERS = {
  username: () => username(),
  'phone-number': () => phoneNumber({ sendOTP: async () => {} }),
  'multi-session': () => multiSession(),
  bearer: () => bearer(),
  'last-login-method': () => lastLoginMethod({ storeInDatabase: true }),
  'email-otp': () => emailOTP({ sendVerificationOTP: async () => {} }),
  'magic-link': () => magicLink({ sendMagicLink: async () => {} }),
  'one-time-token': () => oneTimeToken(),
  anonymous: () => anonymous(),
};
const NAMES = ['username', 'phoneNumber', 'isAnonymous', 'lastLoginMethod'];
const NAMED = set('ada', `username = 'ada', "displayUsername" = 'Ada', "phoneNumber" = '+1', "phoneNumberVerified" = true`);
const beside = {
  ...creating,
  ...updating,
  ...bans,
  ...impersonation,
  ...core,
  ...named('create-user, data', {
    ...each(
      {
        'username': { username: 'New_1' },
        'both names': { username: 'New_1', displayUsername: 'The New' },
        'a bad username': { username: 'x' },
        'phoneNumber': { phoneNumber: '+44' },
        'phoneNumberVerified': { phoneNumber: '+44', phoneNumberVerified: true },
        'isAnonymous': { isAnonymous: true },
        'lastLoginMethod': { lastLoginMethod: 'google' },
      },
      (data) => create({ data, password: PASSWORD }),
    ),
    'a taken username': [NAMED, ...create({ data: { username: 'ADA' } })],
  }),
  ...named('update-user', {
    ...each(
      {
        'username': { username: 'Ada_1' },
        'displayUsername': { displayUsername: 'The Countess' },
        'a bad username': { username: 'x' },
        'phoneNumber': { phoneNumber: '+44' },
        'phoneNumberVerified': { phoneNumberVerified: true },
        'phoneNumber null': { phoneNumber: null },
        'isAnonymous': { isAnonymous: true },
      },
      (data) => [NAMED, ...update(data)],
    ),
    'a taken username': [NAMED, ...update({ username: 'ADA' }, { userId: '{{gina.id}}' })],
  }),
  ...named('list-users', each(NAMES, (name) => [NAMED, ADMIN, list({ sortBy: name, filterField: 'id', filterValue: '{{ada.id}}' }), list({ sortBy: 'email', filterField: name, filterOperator: 'ne', filterValue: 'x' })])),
  'a banned user signs in by name': [NAMED, set('ada', 'banned = true'), POST('/sign-in/username', { username: 'ada', password: PASSWORD })],
  'a banned user signs in by number': [NAMED, set('ada', 'banned = true'), POST('/sign-in/phone-number', { phoneNumber: '+1', password: PASSWORD })],
  'an anonymous user has a role': [POST('/sign-in/anonymous'), GET('/get-session', { jar: true })],
  'an impersonation, and the sessions of the device': [...IMPERSONATING, GET('/multi-session/list-device-sessions', { jar: true }), STOP, GET('/multi-session/list-device-sessions', { jar: true })],
  'by the token of a header': [ADMIN, { ...ROUTES['list-users'], by: undefined, headers: { authorization: 'Bearer {{vera.token}}' } }],
  'an impersonation by the token of a header': [ADMIN, { ...post('impersonate-user', ADA), by: undefined, headers: { authorization: 'Bearer {{vera.token}}' } }],
};
const together = ['first', 'last'].map((place) => {
  const names = place === 'first' ? ['admin', ...Object.keys(OTHERS)] : [...Object.keys(OTHERS), 'admin'];
  return {
    name: `admin: ${place} of many`,
    columns: {
      plugins: names.join(', '),
      options: () => ({ plugins: names.map((name) => OTHERS[name]?.() ?? admin()) }),
      settings: { last_login_method_store_in_database: 'on' },
    },
    cases: beside,
  };
});

export default [
  { name: 'admin: who may', ...PLUGIN, cases: access },
  { name: 'admin: bodies', ...PLUGIN, cases: { ...bodies, ...ids } },
  { name: 'admin: users', ...PLUGIN, cases: { ...flatRoles, ...creating, ...updating, ...reading } },
  { name: 'admin: bans', ...PLUGIN, cases: bans },
  { name: 'admin: impersonation', ...PLUGIN, cases: impersonation },
  { name: 'admin: others’ sessions and passwords', ...PLUGIN, cases: { ...others, ...permissions } },
  { name: 'admin: list-users', ...PLUGIN, cases: listing },
  { name: 'admin: the core', ...PLUGIN, cases: core },
  { name: 'admin: what differs', ...PLUGIN, cases: differing },
  pretended,
  ...options,
  cache,
  SECURE,
  ...together,
];
