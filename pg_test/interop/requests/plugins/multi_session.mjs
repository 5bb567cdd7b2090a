// multi-session: several accounts in one browser, one of them active.

import { GET, POST, TOKEN, cookieOf } from '../../http.mjs';
import { signCookie } from '../../lib.mjs';
import { PASSWORD, aged, differs, each, named, oddBodies, oddFields } from '../common.mjs';
import { multiSession } from 'better-auth/plugins';

const NAME = 'better-auth.session_token';
const nameOf = (token, name = NAME) => `${name}_multi-${token.toLowerCase()}`;
/** A device's cookie of a session. */
const held = (token, { name = nameOf(token), value = signCookie(token) } = {}) => `${name}=${value}`;
const cookies = (...all) => ({ cookie: all.join('; ') });
const ADA = cookieOf(TOKEN.ada);
const VERA = cookieOf(TOKEN.vera);
/** Ada is active; Ada, Vera and Gina are on the device. */
const DEVICE = [ADA, held(TOKEN.ada), held(TOKEN.vera), held(TOKEN.gina)];
const ON_DEVICE = cookies(...DEVICE);

const signIn = (name, options, fields) => POST('/sign-in/email', { email: `${name}@example.com`, password: PASSWORD, ...fields }, options);
const signUp = (name, options) => POST('/sign-up/email', { name, email: `${name}@example.com`, password: PASSWORD }, options);
const list = (options) => GET('/multi-session/list-device-sessions', options);
const setActive = (sessionToken, options) => POST('/multi-session/set-active', { sessionToken }, options);
const revoke = (sessionToken, options) => POST('/multi-session/revoke', { sessionToken }, options);
const signOut = (options) => POST('/sign-out', {}, options);
const JAR = { jar: true };
const EXPIRED = aged('-1 minute', '-7 days');
const GONE = (name) => `DELETE FROM session WHERE token = '{{${name}.token}}'`;
const UNREMEMBERED = `better-auth.dont_remember=${signCookie('true')}`;
const FOREIGN = 'another secret of the same length, nearly';

/** What a device's cookies may be like, besides the right ones. */
const DEVICES = {
  'none': {},
  'a session alone': cookies(ADA),
  'one': cookies(held(TOKEN.ada)),
  'three': ON_DEVICE,
  'three in another order': cookies(held(TOKEN.gina), held(TOKEN.vera), held(TOKEN.ada), VERA),
  'two of one user': cookies(held(TOKEN.ada), held(TOKEN.ada2)),
  'two of one user, the other way round': cookies(held(TOKEN.ada2), held(TOKEN.ada)),
  'one twice under two names': cookies(held(TOKEN.ada), held(TOKEN.ada, { name: 'x_multi-y' })),
  'under another name': cookies(held(TOKEN.vera, { name: 'x_multi-y' })),
  'with the secure name': cookies(held(TOKEN.vera, { name: `__Secure-${nameOf(TOKEN.vera)}` })),
  'under another’s name': cookies(held(TOKEN.vera, { name: nameOf(TOKEN.gina) })),
  'unsigned': cookies(held(TOKEN.vera, { value: TOKEN.vera }), held(TOKEN.ada)),
  'of another secret': cookies(held(TOKEN.vera, { value: signCookie(TOKEN.vera, FOREIGN) }), held(TOKEN.ada)),
  'empty': cookies(held(TOKEN.vera, { value: '' }), held(TOKEN.ada)),
  'of no session': cookies(held('A'.repeat(32)), held(TOKEN.ada)),
  'only of no session': cookies(held('A'.repeat(32))),
  'twice, the wrong one first': cookies(held(TOKEN.vera, { value: 'x' }), held(TOKEN.vera)),
  'twice, the wrong one last': cookies(held(TOKEN.vera), held(TOKEN.vera, { value: 'x' })),
  'a name that cookies can’t have': cookies(held(TOKEN.vera, { name: 'a b_multi-c' }), held(TOKEN.ada)),
  'a value that cookies can’t have': cookies(held(TOKEN.vera, { value: `"${signCookie(TOKEN.vera)}\\` }), held(TOKEN.ada)),
  'quoted': cookies(held(TOKEN.vera, { value: `"${signCookie(TOKEN.vera)}"` })),
};

const device = (step) => each(DEVICES, (options) => step(options));

/** The plugin in the databases that its groups share. */
const MULTI_SESSION = { plugins: 'multi-session', options: () => ({ plugins: [multiSession()] }) };

export default [
  {
    name: 'multi-session',
    columns: MULTI_SESSION,
    cases: {
      'sign-in': signIn('ada'),
      'sign-in, not remembered': signIn('ada', {}, { rememberMe: false }),
      'sign-in, wrong': signIn('ada', ON_DEVICE, { password: 'wrong password' }),
      'sign-up': signUp('eve'),
      'two users': [signIn('ada'), signIn('vera', JAR), list(JAR), GET('/get-session', JAR)],
      'the same user twice': [signIn('ada'), signIn('ada', JAR), list(JAR)],
      'the same user again, and others': [signIn('ada'), signIn('vera', JAR), signIn('ada', JAR), list(JAR)],
      'the same user, two sessions on the device': signIn('ada', cookies(held(TOKEN.ada), held(TOKEN.ada2), held(TOKEN.vera))),
      'the same user under another name': signIn('ada', cookies(held(TOKEN.ada, { name: 'x_multi-y' }))),
      'as many as there may be, and two more': [
        ...['a', 'b', 'c', 'd', 'e', 'f', 'g'].flatMap((name) => [signUp(name, JAR)]),
        list(JAR),
        GET('/get-session', JAR),
        signOut(JAR),
      ],
      ...named('sign-in, device', device((options) => signIn('vera', options))),
      ...named('list', device((options) => list(options))),
      ...named('sign-out, device', device((options) => signOut(options))),
      ...named('sign-out of a session, device', device(({ cookie }) => signOut(cookies(VERA, ...(cookie && cookie !== ADA ? [cookie] : []))))),
      'list: an expired session': [EXPIRED, list(ON_DEVICE)],
      'list: a deleted session': [GONE('vera'), list(ON_DEVICE)],
      'list: a deleted user': [`DELETE FROM "user" WHERE id = '{{vera.id}}'`, list(ON_DEVICE)],
      'list: without a session cookie': list(cookies(...DEVICE.slice(1))),
      'list: by POST': POST('/multi-session/list-device-sessions', {}, ON_DEVICE),

      'set-active': [setActive(TOKEN.vera, ON_DEVICE), list(ON_DEVICE)],
      'set-active: the active one': setActive(TOKEN.ada, ON_DEVICE),
      'set-active, then get-session': [signIn('ada', { as: 'new' }), signIn('vera', JAR), setActive('{{new.token}}', JAR), GET('/get-session', JAR)],
      'set-active: in small letters': setActive(TOKEN.vera.toLowerCase(), ON_DEVICE),
      'set-active: in capitals': setActive(TOKEN.vera.toUpperCase(), ON_DEVICE),
      'set-active: not on the device': setActive(TOKEN.vera, cookies(ADA, held(TOKEN.ada))),
      'set-active: of no session': setActive('A'.repeat(32), cookies(ADA, held('A'.repeat(32)))),
      'set-active: unknown': setActive('x', ON_DEVICE),
      'set-active: empty': setActive('', ON_DEVICE),
      'set-active: without cookies': setActive(TOKEN.vera),
      'set-active: without a session cookie': setActive(TOKEN.vera, cookies(held(TOKEN.vera))),
      'set-active: another’s under the name': setActive(TOKEN.vera, cookies(ADA, held(TOKEN.gina, { name: nameOf(TOKEN.vera) }))),
      'set-active: another’s under the name, with its own': setActive(
        TOKEN.vera,
        cookies(ADA, held(TOKEN.gina, { name: nameOf(TOKEN.vera) }), held(TOKEN.gina)),
      ),
      'set-active: unsigned': setActive(TOKEN.vera, cookies(ADA, held(TOKEN.vera, { value: TOKEN.vera }))),
      'set-active: of another secret': setActive(TOKEN.vera, cookies(ADA, held(TOKEN.vera, { value: signCookie(TOKEN.vera, FOREIGN) }))),
      'set-active: expired': [EXPIRED, setActive(TOKEN.ada, ON_DEVICE)],
      'set-active: expired, while another is active': [EXPIRED, setActive(TOKEN.ada, cookies(VERA, held(TOKEN.ada), held(TOKEN.vera)))],
      'set-active: revoked': [GONE('vera'), setActive(TOKEN.vera, ON_DEVICE)],
      'set-active: not remembered': setActive(TOKEN.vera, cookies(...DEVICE, UNREMEMBERED)),
      'set-active: from elsewhere': setActive(TOKEN.vera, { ...ON_DEVICE, headers: { origin: 'https://elsewhere.example' } }),
      'set-active: from nowhere': setActive(TOKEN.vera, { ...ON_DEVICE, headers: { origin: null } }),
      ...oddFields('/multi-session/set-active', { sessionToken: TOKEN.vera }, ON_DEVICE),
      ...oddBodies('/multi-session/set-active', ON_DEVICE),

      'revoke: the active one': [revoke(TOKEN.ada, ON_DEVICE), list(ON_DEVICE)],
      'revoke: another one': [revoke(TOKEN.vera, ON_DEVICE), list(ON_DEVICE)],
      'revoke: the last one': revoke(TOKEN.ada, cookies(ADA, held(TOKEN.ada))),
      'revoke: the active one, the next expired': [aged('-1 minute', '-7 days', 'vera'), revoke(TOKEN.ada, ON_DEVICE)],
      'revoke: the active one, the next one revoked': [GONE('vera'), revoke(TOKEN.ada, ON_DEVICE)],
      'revoke: the active one, the others unsigned': revoke(TOKEN.ada, cookies(ADA, held(TOKEN.ada), held(TOKEN.vera, { value: TOKEN.vera }))),
      'revoke: the active one, not remembered': revoke(TOKEN.ada, cookies(...DEVICE, UNREMEMBERED)),
      'revoke: in small letters': revoke(TOKEN.vera.toLowerCase(), ON_DEVICE),
      'revoke: not on the device': revoke(TOKEN.vera, cookies(ADA, held(TOKEN.ada))),
      'revoke: its own, not on the device': revoke(TOKEN.ada, cookies(ADA)),
      'revoke: of no session': revoke('A'.repeat(32), cookies(ADA, held('A'.repeat(32)))),
      'revoke: unknown': revoke('x', ON_DEVICE),
      'revoke: without cookies': revoke(TOKEN.vera),
      'revoke: without a session': revoke(TOKEN.vera, cookies(held(TOKEN.vera))),
      'revoke: with an expired session': [EXPIRED, revoke(TOKEN.vera, ON_DEVICE)],
      'revoke: an expired one': [aged('-1 minute', '-7 days', 'vera'), revoke(TOKEN.vera, ON_DEVICE)],
      'revoke: of another secret': revoke(TOKEN.vera, cookies(ADA, held(TOKEN.vera, { value: signCookie(TOKEN.vera, FOREIGN) }))),
      'revoke: another’s under the name': revoke(TOKEN.vera, cookies(ADA, held(TOKEN.gina, { name: nameOf(TOKEN.vera) }))),
      'revoke: from elsewhere': revoke(TOKEN.vera, { ...ON_DEVICE, headers: { origin: 'https://elsewhere.example' } }),
      'revoke: all, one after the other': [
        signIn('ada', { as: 'first' }),
        signIn('vera', { as: 'second', jar: true }),
        revoke('{{second.token}}', JAR),
        GET('/get-session', JAR),
        revoke('{{first.token}}', JAR),
        GET('/get-session', JAR),
        list(JAR),
      ],
      ...oddFields('/multi-session/revoke', { sessionToken: TOKEN.vera }, ON_DEVICE),
      ...oddBodies('/multi-session/revoke', ON_DEVICE),

      'sign-out of all': [signIn('ada'), signIn('vera', JAR), signOut(JAR), list(JAR), GET('/get-session', JAR)],
      'sign-out without a session': signOut(cookies(...DEVICE.slice(1))),
      'sign-out from elsewhere': signOut({ ...ON_DEVICE, headers: { origin: 'https://elsewhere.example' } }),
      'sign-out: a name in capitals': signOut(cookies(ADA, held(TOKEN.ada, { name: `Better-Auth.session_token_multi-${TOKEN.ada}` }))),

      // A session that the plugin hasn't seen yet.
      'get-session': GET('/get-session', { by: 'ada' }),
      'get-session, due': [aged('5 days', '-2 days'), GET('/get-session', { by: 'ada' })],
      'get-session, due, on the device': [aged('5 days', '-2 days'), GET('/get-session', ON_DEVICE)],
      'update-user': POST('/update-user', { name: 'Augusta' }, { by: 'ada' }),
      'update-user, on the device': POST('/update-user', { name: 'Augusta' }, ON_DEVICE),
      'update-user, another session on the device': POST('/update-user', { name: 'Augusta' }, cookies(ADA, held(TOKEN.ada2), held(TOKEN.vera))),
      'change-password': POST(
        '/change-password',
        { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true },
        ON_DEVICE,
      ),
      'revoke-session': POST('/revoke-session', { token: TOKEN.ada }, ON_DEVICE),
      'revoke-sessions': POST('/revoke-sessions', {}, ON_DEVICE),
      'a dead session': [GONE('ada'), GET('/get-session', ON_DEVICE)],
    },
  },
  ...[0, 1, 2].map((most) => ({
    name: `multi-session, maximumSessions ${most}`,
    columns: MULTI_SESSION,
    options: () => ({ plugins: [multiSession({ maximumSessions: most })] }),
    settings: { multi_session_maximum_sessions: most },
    cases: {
      'sign-in': signIn('ada'),
      'two users': [signIn('ada'), signIn('vera', JAR), list(JAR)],
      'three users': [signIn('ada'), signIn('vera', JAR), signUp('eve', JAR), list(JAR)],
      'the same user again': [signIn('ada'), signIn('vera', JAR), signIn('ada', JAR), list(JAR)],
      'unsigned ones count': signIn('ada', cookies('a_multi-1=x', 'a_multi-2=x')),
    },
  })),
  {
    name: 'multi-session with the cookie cache',
    columns: MULTI_SESSION,
    options: () => ({ session: { cookieCache: { enabled: true } } }),
    settings: { cookie_cache: 'on' },
    cases: {
      'sign-in': signIn('ada'),
      'two users, set-active': [signIn('ada', { as: 'new' }), signIn('vera', JAR), setActive('{{new.token}}', JAR), GET('/get-session', JAR)],
      'revoke': [signIn('ada'), signIn('vera', { as: 'new', jar: true }), revoke('{{new.token}}', JAR), GET('/get-session', JAR)],
      'revoke the last one': [signIn('ada', { as: 'new' }), revoke('{{new.token}}', JAR), GET('/get-session', JAR)],
      'sign-out': [signIn('ada'), signIn('vera', JAR), signOut(JAR)],
      'get-session without session_data': GET('/get-session', ON_DEVICE),
    },
  },
  {
    name: 'multi-session, secure cookies',
    columns: MULTI_SESSION,
    prefix: '__Secure-better-auth',
    options: () => ({ advanced: { useSecureCookies: true } }),
    settings: { use_secure_cookies: 'on' },
    cases: {
      'two users': [signIn('ada'), signIn('vera', JAR), list(JAR), signOut(JAR), list(JAR)],
      'sign-out, plain names': signOut(cookies(held(TOKEN.ada), held(TOKEN.vera, { name: nameOf(TOKEN.vera, `__Secure-${NAME}`) }))),
    },
  },
  {
    name: 'without multi-session',
    options: () => ({}),
    cases: {
      'list': list(ON_DEVICE),
      'set-active': setActive(TOKEN.vera, ON_DEVICE),
      'sign-in': signIn('ada', ON_DEVICE),
      'sign-out': signOut(ON_DEVICE),
    },
  },
];
