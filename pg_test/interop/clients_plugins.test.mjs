// better-auth/client with each plugin's client, as they come from npm, through every way in. A plugin is an entry of
// the table.

import assert from 'node:assert/strict';
import { register } from 'node:module';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, test } from 'node:test';
import { PASSWORD, freshEmail } from '../server/lib.mjs';
import { WAYS, done, nativeFetch, refused, site } from './clients.mjs';

process.env.NODE_ENV = 'production'; // Better Auth reads it when it is imported
const { createAuthClient } = await import('better-auth/client');
const plugins = await import('better-auth/client/plugins');

// As much of React Native and Expo as the client of @better-auth/expo asks for.
const STUBS = {
  'react-native': `export const Platform = { OS: 'ios' }; export const AppState = { addEventListener: () => ({ remove() {} }) };`,
  'expo-constants': `export default { expoConfig: { scheme: 'myapp' } };`,
  'expo-linking': `export const createURL = (path, { scheme } = { scheme: 'myapp' }) => scheme + '://' + path;`,
  'expo-network': `export const addNetworkStateListener = () => ({ remove() {} });`,
};
const asUrl = (source) => `data:text/javascript,${encodeURIComponent(source)}`;
register(
  asUrl(`const stubs = ${JSON.stringify(Object.fromEntries(Object.entries(STUBS).map(([name, source]) => [name, asUrl(source)])))};
  export const resolve = async (name, context, next) =>
    name in stubs ? { url: stubs[name], format: 'module', shortCircuit: true } : next(name, context);`),
);
const { expoClient } = await import('@better-auth/expo/client');

/** A browser with a client in it. */
function open(app, plugins = [], options = {}) {
  const browser = app.browser();
  const auth = createAuthClient({ baseURL: app.url, plugins, fetchOptions: { customFetchImpl: browser.fetch }, ...options });
  return { browser, auth };
}

/** A client in an app, which keeps no cookies and says nothing that a browser says. */
const openApp = (app, plugins = [], fetchOptions = {}) =>
  createAuthClient({ baseURL: app.url, plugins, fetchOptions: { customFetchImpl: nativeFetch(app), ...fetchOptions } });

const signUpAs = (auth, fields) => auth.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Ada', ...fields });

/** Signs up with a client; `fields` are more of the user. */
async function signUp(auth, fields) {
  const { user, token } = await done(signUpAs(auth, fields));
  return { email: user.email, user, token };
}

const sessionOf = async (auth) => (await done(auth.getSession()))?.session.token;

/** The page's `document` for as long as `work` runs: what its scripts see of the cookies. */
function inPage(browser, work) {
  const [jar, { origin }] = [browser.jar, browser];
  globalThis.document = {
    get cookie() {
      return jar.getCookieStringSync(origin, { http: false });
    },
    set cookie(cookie) {
      jar.setCookieSync(cookie, origin, { http: false });
    },
  };
  try {
    return work();
  } finally {
    delete globalThis.document;
  }
}

/** A phone's storage. */
function storage() {
  const items = new Map();
  const getItem = (name) => items.get(name) ?? null;
  const setItem = (name, value) => void items.set(name, value);
  return { items, getItem, setItem, getItemAsync: async (name) => getItem(name), setItemAsync: async (name, value) => setItem(name, value) };
}

// Each plugin: more `settings`, and what an application does with its client: `use`, and `also`.
const PLUGINS = {
  bearer: {
    async use(app) {
      let token;
      const onSuccess = ({ response }) => (token = response.headers.get('set-auth-token') ?? token);
      const auth = openApp(app, [], { auth: { type: 'Bearer', token: () => token }, onSuccess });
      const { email, token: raw } = await signUp(auth);
      assert.match(token, new RegExp(`^${raw}\\.\\S{44}$`), 'set-auth-token is the signed one');
      const signed = token;
      assert.equal(await sessionOf(auth), raw);
      assert.deepEqual(await done(auth.updateUser({ name: 'Countess' })), { status: true });
      token = raw;
      assert.equal((await done(auth.getSession())).user.name, 'Countess', 'the raw one does too');
      token = `${raw}.${'A'.repeat(43)}=`;
      assert.equal(await sessionOf(auth), undefined);
      await refused(auth.listSessions(), 401, 'UNAUTHORIZED');
      token = signed;
      assert.deepEqual((await done(auth.listSessions())).map((session) => session.token), [raw]);
      await done(auth.signOut());
      assert.equal(await sessionOf(auth), undefined);
      await done(auth.signIn.email({ email, password: PASSWORD }));
      assert.notEqual(token, signed);
      assert.equal((await done(auth.getSession())).user.email, email);
    },
  },
  'multi-session': {
    async use(app) {
      const { auth, browser } = open(app, [plugins.multiSessionClient()]);
      assert.deepEqual(await done(auth.multiSession.listDeviceSessions()), []);
      const first = await signUp(auth);
      const second = await signUp(auth);
      const emails = async () => (await done(auth.multiSession.listDeviceSessions())).map(({ user }) => user.email).sort();
      assert.deepEqual(await emails(), [first.email, second.email].sort());
      assert.equal(await sessionOf(auth), second.token);
      assert.equal((await done(auth.multiSession.setActive({ sessionToken: first.token }))).user.email, first.email);
      assert.equal(await sessionOf(auth), first.token);
      await refused(auth.multiSession.setActive({ sessionToken: 'x' }), 401, 'INVALID_SESSION_TOKEN');
      assert.deepEqual(await done(auth.multiSession.revoke({ sessionToken: first.token })), { status: true });
      assert.equal(await sessionOf(auth), second.token, 'the next one is active');
      const third = await signUp(auth);
      await done(auth.signOut());
      assert.deepEqual([await emails(), await sessionOf(auth)], [[], undefined]);
      assert.equal(await app.count('session', 'token = ANY ($1)', [[first.token, second.token, third.token]]), 0);
      assert.deepEqual((await browser.jar.getCookies(app.url)).filter(({ key }) => key.includes('session')), []);
    },
  },
  'last-login-method': {
    settings: { last_login_method_store_in_database: 'on' },
    async use(app) {
      const { auth, browser } = open(app, [plugins.lastLoginMethodClient()]);
      const method = () => inPage(browser, () => auth.getLastUsedLoginMethod());
      assert.equal(method(), null);
      const { user } = await signUp(auth);
      assert.equal(user.lastLoginMethod, 'email');
      assert.equal(method(), 'email');
      assert.equal(inPage(browser, () => auth.isLastUsedLoginMethod('email')), true);
      await done(auth.signOut());
      assert.equal(method(), 'email', 'it outlives the session');
      inPage(browser, () => auth.clearLastUsedLoginMethod());
      assert.equal(method(), null);
    },
  },
  jwt: {
    async use(app) {
      let header;
      const onSuccess = ({ response }) => (header = response.headers.get('set-auth-jwt') ?? header);
      const browser = app.browser();
      const auth = createAuthClient({ baseURL: app.url, plugins: [plugins.jwtClient()], fetchOptions: { customFetchImpl: browser.fetch, onSuccess } });
      await refused(auth.token(), 401, 'UNAUTHORIZED');
      const { user } = await signUp(auth);
      const { token } = await done(auth.token());
      assert.equal(header, undefined);
      await done(auth.getSession());
      const set = createLocalJWKSet(await done(auth.jwks()));
      for (const one of [token, header]) {
        const { payload, protectedHeader } = await jwtVerify(one, set, { subject: user.id });
        assert.deepEqual([payload.email, protectedHeader.alg], [user.email, 'EdDSA']);
      }
      await done(auth.signOut());
      await refused(auth.token(), 401, 'UNAUTHORIZED');
    },
  },
  username: {
    async use(app) {
      const { auth } = open(app, [plugins.usernameClient()]);
      const { user } = await signUp(auth, { username: 'Ada_Lovelace' });
      assert.deepEqual([user.username, user.displayUsername], ['ada_lovelace', 'Ada_Lovelace']);
      assert.deepEqual(await done(auth.isUsernameAvailable({ username: 'ADA_lovelace' })), { available: false });
      assert.deepEqual(await done(auth.isUsernameAvailable({ username: 'babbage' })), { available: true });
      const other = open(app, [plugins.usernameClient()]).auth;
      await refused(other.signIn.username({ username: 'ada_lovelace', password: 'wrong password' }), 401, 'INVALID_USERNAME_OR_PASSWORD');
      assert.equal((await done(other.signIn.username({ username: 'ADA_LOVELACE', password: PASSWORD }))).user.id, user.id);
      assert.deepEqual(await done(other.updateUser({ username: 'countess' })), { status: true });
      assert.equal((await done(auth.getSession())).user.username, 'countess');
      await refused(signUpAs(open(app).auth, { username: 'Countess' }), 400, 'USERNAME_IS_ALREADY_TAKEN');
    },
    async also(app) {
      const { auth } = open(app, [plugins.usernameClient()]);
      const username = `Ada_${Date.now()}`;
      const { user } = await signUp(auth, { username, displayUsername: 'The Countess' });
      assert.deepEqual([user.username, user.displayUsername], [username.toLowerCase(), 'The Countess']);
      await done(auth.signOut());
      assert.deepEqual(await done(auth.isUsernameAvailable({ username: username.toUpperCase() })), { available: false });
      await refused(auth.signIn.username({ username, password: 'wrong password' }), 401, 'INVALID_USERNAME_OR_PASSWORD');
      await refused(auth.signIn.username({ username: 'a', password: PASSWORD }), 422, 'USERNAME_TOO_SHORT');
      const { token } = await done(auth.signIn.username({ username: username.toUpperCase(), password: PASSWORD }));
      assert.equal(await sessionOf(auth), token);
      await done(auth.updateUser({ username: `${username}_2` }));
      assert.equal((await done(auth.getSession())).user.username, `${username}_2`.toLowerCase());
      const other = open(app, [plugins.usernameClient()]).auth;
      await refused(other.signUp.email({ email: freshEmail(), password: PASSWORD, name: 'Eve', username: `${username}_2` }), 400, 'USERNAME_IS_ALREADY_TAKEN');
    },
  },
  anonymous: {
    async use(app) {
      const { auth } = open(app, [plugins.anonymousClient()]);
      const { user } = await done(auth.signIn.anonymous());
      assert.equal(user.isAnonymous, true);
      assert.equal((await done(auth.getSession())).user.id, user.id);
      const real = await signUp(auth);
      assert.equal(await app.count('user', 'id = $1', [user.id]), 0, 'who signs up is anonymous no longer');
      assert.equal(await sessionOf(auth), real.token);
      const other = open(app, [plugins.anonymousClient()]).auth;
      await done(other.signIn.anonymous());
      assert.deepEqual(await done(other.deleteAnonymousUser()), { success: true });
      assert.equal(await sessionOf(other), undefined);
    },
    async also(app) {
      const { auth } = open(app, [plugins.anonymousClient()]);
      const { user, token } = await done(auth.signIn.anonymous());
      assert.deepEqual([user.isAnonymous, user.name, await sessionOf(auth)], [true, 'Anonymous', token]);
      await refused(auth.signIn.anonymous(), 400, 'ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY');
      const real = await signUp(auth);
      assert.equal(await sessionOf(auth), real.token);
      assert.equal(await app.count('user', 'id = $1', [user.id]), 0, 'it has become the one who signed up');
      await refused(auth.deleteAnonymousUser(), 403, 'USER_IS_NOT_ANONYMOUS');
      await done(auth.signOut());
      await done(auth.signIn.anonymous());
      assert.deepEqual(await done(auth.deleteAnonymousUser()), { success: true });
      assert.equal(await sessionOf(auth), undefined);
    },
  },
  'phone-number': {
    settings: { phone_number_sign_up_on_verification: 'on' },
    async use(app) {
      const { auth } = open(app, [plugins.phoneNumberClient()]);
      const [phoneNumber, other] = ['+15551230001', '+15551230002'];
      const code = async (kind = 'phone-number-otp') => (await app.mail(kind)).token;
      await done(auth.phoneNumber.sendOtp({ phoneNumber }));
      await refused(auth.phoneNumber.verify({ phoneNumber, code: 'wrong' }), 400, 'INVALID_OTP');
      const { user } = await done(auth.phoneNumber.verify({ phoneNumber, code: await code() }));
      assert.deepEqual([user.phoneNumber, user.phoneNumberVerified], [phoneNumber, true]);
      assert.equal((await done(auth.getSession())).user.id, user.id);
      await done(auth.phoneNumber.sendOtp({ phoneNumber: other }));
      await done(auth.phoneNumber.verify({ phoneNumber: other, code: await code(), updatePhoneNumber: true }));
      assert.equal((await done(auth.getSession())).user.phoneNumber, other);
      const { auth: second } = open(app, [plugins.phoneNumberClient()]);
      await done(second.phoneNumber.requestPasswordReset({ phoneNumber: other }));
      await done(second.phoneNumber.resetPassword({ phoneNumber: other, otp: await code('phone-number-password-reset'), newPassword: PASSWORD }));
      assert.equal((await done(second.signIn.phoneNumber({ phoneNumber: other, password: PASSWORD }))).user.id, user.id);
    },
    async also(app) {
      const { auth } = open(app, [plugins.phoneNumberClient()]);
      const phoneNumber = `+1${Date.now()}`;
      const code = async (kind) => (await app.mail(kind)).token;
      assert.deepEqual(await done(auth.phoneNumber.sendOtp({ phoneNumber })), { message: 'code sent' });
      await refused(auth.phoneNumber.verify({ phoneNumber, code: 'wrong' }), 400, 'INVALID_OTP');
      const up = await done(auth.phoneNumber.verify({ phoneNumber, code: await code('phone-number-otp') }));
      assert.deepEqual([up.status, up.user.phoneNumber, up.user.phoneNumberVerified], [true, phoneNumber, true]);
      assert.equal(await sessionOf(auth), up.token);
      await done(auth.signOut());
      assert.deepEqual(await done(auth.phoneNumber.requestPasswordReset({ phoneNumber })), { status: true });
      assert.deepEqual(await done(auth.phoneNumber.resetPassword({ phoneNumber, otp: await code('phone-number-password-reset'), newPassword: PASSWORD })), { status: true });
      await refused(auth.signIn.phoneNumber({ phoneNumber, password: 'wrong password' }), 401, 'INVALID_PHONE_NUMBER_OR_PASSWORD');
      const { token } = await done(auth.signIn.phoneNumber({ phoneNumber, password: PASSWORD }));
      assert.equal(await sessionOf(auth), token);
      await refused(auth.updateUser({ phoneNumber: `${phoneNumber}1` }), 400, 'PHONE_NUMBER_CANNOT_BE_UPDATED');
      await done(auth.phoneNumber.sendOtp({ phoneNumber: `${phoneNumber}1` }));
      await done(auth.phoneNumber.verify({ phoneNumber: `${phoneNumber}1`, code: await code('phone-number-otp'), updatePhoneNumber: true }));
      assert.equal((await done(auth.getSession())).user.phoneNumber, `${phoneNumber}1`);
    },
  },
  admin: {
    async use(app) {
      const { auth } = open(app, [plugins.adminClient()]);
      const boss = await signUp(auth);
      const { auth: hers, browser } = open(app, [plugins.adminClient()]);
      const she = await signUp(hers);
      await refused(auth.admin.listUsers({ query: {} }), 403, 'YOU_ARE_NOT_ALLOWED_TO_LIST_USERS');
      await app.client.query(`UPDATE better_auth."user" SET role = 'admin' WHERE id = $1`, [boss.user.id]);
      const { users, total } = await done(auth.admin.listUsers({ query: { sortBy: 'email', limit: 10 } }));
      assert.deepEqual([users.map(({ email }) => email), total], [[boss.email, she.email].sort(), 2]);
      const made = await done(auth.admin.createUser({ email: freshEmail(), password: PASSWORD, name: 'New', role: 'user' }));
      assert.equal(made.user.role, 'user');
      assert.equal((await done(auth.admin.setRole({ userId: made.user.id, role: 'admin' }))).user.role, 'admin');
      assert.equal((await done(auth.admin.hasPermission({ permissions: { user: ['ban'] } }))).success, true);
      await done(auth.admin.banUser({ userId: she.user.id, banReason: 'spam' }));
      assert.equal(await sessionOf(hers), undefined);
      await refused(hers.signIn.email({ email: she.email, password: PASSWORD }), 403, 'BANNED_USER');
      await done(auth.admin.unbanUser({ userId: she.user.id }));
      await done(hers.signIn.email({ email: she.email, password: PASSWORD }));
      assert.ok(await browser.sessionCookie());
      assert.equal((await done(auth.admin.impersonateUser({ userId: she.user.id }))).user.id, she.user.id);
      assert.equal((await done(auth.getSession())).user.id, she.user.id);
      await done(auth.admin.stopImpersonating());
      assert.equal((await done(auth.getSession())).user.id, boss.user.id);
      assert.equal((await done(auth.admin.listUserSessions({ userId: she.user.id }))).sessions.length, 1);
      await done(auth.admin.revokeUserSessions({ userId: she.user.id }));
      assert.equal(await sessionOf(hers), undefined);
      await done(auth.admin.setUserPassword({ userId: she.user.id, newPassword: 'another password' }));
      await done(hers.signIn.email({ email: she.email, password: 'another password' }));
      await done(auth.admin.removeUser({ userId: she.user.id }));
      assert.equal(await app.count('user', 'id = $1', [she.user.id]), 0);
    },
    async also(app) {
      const database = await app.database.connect();
      const [{ auth, browser }, { auth: adas }] = [open(app, [plugins.adminClient()]), open(app)];
      const [root, ada] = [await signUp(auth), await signUp(adas)];
      await refused(auth.admin.listUsers({ query: {} }), 403, 'YOU_ARE_NOT_ALLOWED_TO_LIST_USERS');
      await database.query(`UPDATE better_auth."user" SET role = 'admin' WHERE id = $1`, [root.user.id]);
      const userId = ada.user.id;
      const query = { filterField: 'id', filterOperator: 'in', filterValue: [userId, root.user.id], sortBy: 'role', limit: 1, offset: 1 };
      const { users, total } = await done(auth.admin.listUsers({ query }));
      assert.deepEqual([users.map(({ id }) => id), total], [[userId], 2]);
      assert.equal((await done(auth.admin.getUser({ query: { id: userId } }))).email, ada.email);
      const email = freshEmail();
      const { user } = await done(auth.admin.createUser({ email, password: PASSWORD, name: 'New', role: 'user', data: { emailVerified: true } }));
      assert.deepEqual([user.role, user.emailVerified], ['user', true]);
      await done(open(app).auth.signIn.email({ email, password: PASSWORD }));
      assert.equal((await done(auth.admin.setRole({ userId: user.id, role: ['user', 'editor'] }))).user.role, 'user,editor');
      assert.equal((await done(auth.admin.updateUser({ userId: user.id, data: { name: 'Newer' } }))).name, 'Newer');
      assert.deepEqual(await done(auth.admin.hasPermission({ permissions: { user: ['ban'] } })), { error: null, success: true });
      assert.equal(auth.admin.checkRolePermission({ role: 'user', permissions: { user: ['ban'] } }), false);

      await done(auth.admin.impersonateUser({ userId }));
      const { session } = await done(auth.getSession());
      assert.deepEqual([session.userId, session.impersonatedBy], [userId, root.user.id]);
      await refused(auth.admin.listUsers({ query: {} }), 403, 'YOU_ARE_NOT_ALLOWED_TO_LIST_USERS');
      assert.deepEqual((await done(adas.listSessions())).map(({ token }) => token), [ada.token]);
      assert.equal((await done(auth.admin.stopImpersonating())).user.email, root.email);
      assert.equal(await sessionOf(auth), root.token);
      assert.deepEqual((await browser.jar.getCookies(app.url)).filter(({ key }) => key.endsWith('.admin_session')), [], 'nothing is left of it');

      assert.deepEqual((await done(auth.admin.listUserSessions({ userId }))).sessions.map(({ token }) => token), [ada.token]);
      await done(auth.admin.revokeUserSession({ sessionToken: ada.token }));
      assert.equal(await sessionOf(adas), undefined);
      await done(auth.admin.setUserPassword({ userId, newPassword: 'another password' }));
      await done(adas.signIn.email({ email: ada.email, password: 'another password' }));
      assert.equal((await done(auth.admin.banUser({ userId, banReason: 'spam', banExpiresIn: 3600 }))).user.banReason, 'spam');
      assert.equal(await sessionOf(adas), undefined);
      await refused(adas.signIn.email({ email: ada.email, password: 'another password' }), 403, 'BANNED_USER');
      assert.equal((await done(auth.admin.unbanUser({ userId }))).user.banned, false);
      await done(adas.signIn.email({ email: ada.email, password: 'another password' }));
      assert.deepEqual(await done(auth.admin.revokeUserSessions({ userId })), { success: true });
      await refused(auth.admin.banUser({ userId: root.user.id }), 400, 'YOU_CANNOT_BAN_YOURSELF');
      assert.deepEqual(await done(auth.admin.removeUser({ userId })), { success: true });
      await refused(auth.admin.getUser({ query: { id: userId } }), 404, 'USER_NOT_FOUND');
    },
  },
  expo: {
    settings: { trusted_origins: 'myapp://', auto_sign_in_after_verification: 'on' },
    async use(app) {
      const phone = storage();
      const auth = openApp(app, [expoClient({ scheme: 'myapp', storage: phone })]);
      const { email, token } = await signUp(auth);
      assert.match(await auth.getCookie(), new RegExp(`^better-auth.session_token=${token}\\.`));
      assert.equal(await sessionOf(auth), token);
      assert.deepEqual(await done(auth.updateUser({ name: 'Countess' })), { status: true });
      const other = openApp(app, [expoClient({ scheme: 'other', storage: phone })]);
      await refused(other.updateUser({ name: 'Eve' }), 403, 'INVALID_ORIGIN');

      // The mail's link is opened in the phone's browser, and leads back into the app.
      await done(auth.sendVerificationEmail({ email, callbackURL: 'myapp://home' }));
      await done(auth.signOut());
      assert.deepEqual([await auth.getCookie(), await sessionOf(auth)], ['', undefined]);
      const opened = await app.browser().fetch((await app.mail('verification-email')).url);
      const location = new URL(opened.headers.get('location'));
      assert.deepEqual([location.protocol, location.host], ['myapp:', 'home']);
      assert.equal(location.searchParams.get('cookie'), opened.headers.getSetCookie().join(', '));
      const cookie = location.searchParams.get('cookie').split(';')[0];
      const { user } = await (await nativeFetch(app)(`${app.url}/api/auth/get-session`, { headers: { cookie } })).json();
      assert.deepEqual([user.email, user.emailVerified], [email, true]);
    },
  },
};

/** Each use of a plugin: its name, the plugin, what it is set to, and what is done. */
const USES = Object.entries(PLUGINS).flatMap(([id, plugin]) =>
  [[id, plugin.use], [`${id}, more of it`, plugin.also]].filter(([, use]) => use).map(([name, use]) => [name, id, plugin, use]),
);

const ALL = {
  plugins: Object.keys(PLUGINS).join(', '),
  settings: Object.assign({}, ...Object.values(PLUGINS).map(({ settings }) => settings)),
};

for (const [way, start] of Object.entries(WAYS)) {
  /** An application with these plugins, and their columns and tables, which is used. */
  const using = (name, plugins, settings, use) =>
    test(name, async (t) => {
      const app = await site(t, start, { settings: { plugins, ...settings } });
      await (await app.database.connect()).query('SELECT better_auth.migrate()');
      await use(app);
    });
  describe(way, () => {
    for (const [name, id, { settings }, use] of USES) using(name, id, settings, use);
    describe('all together', () => {
      for (const [name, , , use] of USES) using(name, ALL.plugins, ALL.settings, use);
    });
  });
}
