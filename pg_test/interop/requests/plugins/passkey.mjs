// The plugin passkey: keys of devices. An authenticator in software answers; its keys are the same on both sides.

import { passkey } from '@better-auth/passkey';
import { BE, BS, FORMATS, Passkey, UP, UV } from '../../authenticator.mjs';
import { GET, POST } from '../../http.mjs';
import { BASE_URL, signCookie } from '../../lib.mjs';
import { aged, differs, each, named, oddBodies, oddFields } from '../common.mjs';

const ELSEWHERE = 'https://elsewhere.example';
const HOST = new URL(BASE_URL).hostname;
const HERE = { origin: BASE_URL, rpId: HOST };
const passkeyOf = (options) => new Passkey({ ...HERE, ...options });

// One for each purpose, and the same ones on both sides.
const OWN = passkeyOf({ aaguid: Buffer.from('0123456789abcdef') });
const OTHER = passkeyOf();
const COUNTING = passkeyOf({ counter: 5 });
const BY_ALGORITHM = Object.fromEntries(['EdDSA', 'RS256', 'ES512', 'PS256', 'RS1', 'ES384'].map((alg) => [alg, passkeyOf({ alg })]));
const U2F = passkeyOf();

/** The cookies so far, and the session of somebody. */
const by = (who) => (jar, known) => ({ ...jar, ...(who ? { 'better-auth.session_token': signCookie(known[`${who}.token`]) } : {}) });
const KEPT = { keep: { challenge: 'challenge', handle: 'user.id' } };
const askToRegister = (query = '', { who = 'ada', ...options } = {}) => GET(`/passkey/generate-register-options${query}`, { jar: by(who), ...KEPT, ...options });
const askToSignIn = ({ who, ...options } = {}) => GET('/passkey/generate-authenticate-options', { jar: by(who), keep: { challenge: 'challenge' }, ...options });
/** A body that answers the challenge. */
const answering = (make) => (known) => JSON.stringify(make(known.challenge));
const JSON_BODY = { headers: { 'content-type': 'application/json' } };
const register = (key = OWN, { who = 'ada', fields, change = (message) => message, headers, ...options } = {}) => ({
  ...POST('/passkey/verify-registration', undefined, { jar: by(who), keep: { passkey: 'id' } }),
  raw: answering((challenge) => ({ response: change(key.register(challenge, options)), ...fields })),
  headers: { ...JSON_BODY.headers, ...headers },
});
const signIn = (key = OWN, { who, fields, change = (message) => message, headers, counter = 0, ...options } = {}) => ({
  ...POST('/passkey/verify-authentication', undefined, { jar: by(who) }),
  raw: answering((challenge) => ({ response: change(key.authenticate(challenge, { counter, ...options })), ...fields })),
  headers: { ...JSON_BODY.headers, ...headers },
});
const LIST = GET('/passkey/list-user-passkeys', { by: 'ada' });
const SESSION = GET('/get-session', { jar: true });
const registered = (key = OWN, options) => [askToRegister(), register(key, options)];
const update = (fields, options) => POST('/passkey/update-passkey', { id: '{{passkey}}', name: 'phone', ...fields }, { by: 'ada', ...options });
const remove = (fields, options) => POST('/passkey/delete-passkey', { id: '{{passkey}}', ...fields }, { by: 'ada', ...options });
const EXPIRED = `UPDATE verification SET "expiresAt" = now() - interval '1 second'`;
const COUNTER = `UPDATE passkey SET counter = 5`;
const insert = (id, fields = {}) => {
  const row = { name: null, transports: 'usb,nfc', credentialID: OWN.credentialId, publicKey: OWN.publicKey, user: '{{ada.id}}', counter: 0, ...fields };
  const text = (value) => (value === null ? 'NULL' : `'${value}'`);
  return `INSERT INTO passkey (id, name, "publicKey", "userId", "credentialID", counter, "deviceType", "backedUp", transports, "createdAt", aaguid)
    VALUES ('${id}', ${text(row.name)}, '${row.publicKey}', '${row.user}', '${row.credentialID}', ${row.counter}, 'singleDevice', false, ${text(row.transports)}, now(), '')`;
};

const columns = { plugins: 'passkey', options: () => ({ plugins: [passkey()] }), tables: { passkey: '"createdAt", id' } };
const group = (name, options, settings, cases, { more = () => ({}), ...rest } = {}) => ({
  name: `passkey${name}`,
  columns,
  options: (send) => ({ plugins: [passkey(options)], ...more(send) }),
  settings,
  cases,
  ...rest,
});

const part = (name, change) => (message) => ({ ...message, response: { ...message.response, [name]: change(message.response[name]) } });
const flipped = (at) => (text) => {
  const bytes = Buffer.from(text, 'base64url');
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  return bytes.toString('base64url');
};

const flows = {
  'the whole': [...registered(OWN, { fields: { name: 'laptop' } }), LIST, askToSignIn(), signIn(), SESSION],
  'two passkeys': [...registered(), ...registered(OTHER), LIST, askToRegister(), askToSignIn({ who: 'ada' }), signIn(OTHER), SESSION],
  'renamed and deleted': [...registered(), update(), LIST, remove(), LIST, askToSignIn(), signIn()],
};

const MESSAGES = {
  'another origin': { clientData: { origin: ELSEWHERE } },
  'a longer origin': { clientData: { origin: `${BASE_URL}/` } },
  'another challenge': { clientData: { challenge: 'eA' } },
  'no challenge': { clientData: { challenge: undefined } },
  'another RP id': { rpId: 'elsewhere.example' },
  'nobody present': { flags: UV },
  'not verified': { flags: UP },
  'multi-device': { flags: UP | BE },
  'backed up': { flags: UP | UV | BE | BS },
  'backed up on one device': { flags: UP | BS },
  extensions: { extensions: { credProtect: 2 } },
  'a cross-origin iframe': { clientData: { crossOrigin: true, topOrigin: ELSEWHERE } },
  'a token binding': { clientData: { tokenBinding: { status: 'supported' } } },
  'an odd token binding': { clientData: { tokenBinding: { status: 'x' } } },
  'no id': { change: (message) => ({ ...message, id: undefined }) },
  'another rawId': { change: (message) => ({ ...message, rawId: 'eA' }) },
  'another type': { change: (message) => ({ ...message, type: 'x' }) },
  'no response': { change: (message) => ({ ...message, response: undefined }) },
  'client data of no JSON': { change: part('clientDataJSON', () => 'eA') },
  'client data of a number': { change: part('clientDataJSON', () => 5) },
  'client data with a changed byte': { change: part('clientDataJSON', flipped(-2)) },
};

export default [
  group('', {}, {}, {
    ...flows,
    // generate-register-options
    ...named('register options', each(['', '?name=', '?name=Ada%20L', '?authenticatorAttachment=platform', '?authenticatorAttachment=cross-platform', '?authenticatorAttachment=x', '?context=x', '?name=a&name=b', '?x=y'], (query) => askToRegister(query))),
    'register options, signed out': askToRegister('', { who: undefined }),
    'register options, a session that isn’t fresh': [aged('5 days', '-2 days'), askToRegister()],
    'register options, POST': POST('/passkey/generate-register-options', {}, { by: 'ada' }),
    'register options, from elsewhere': askToRegister('', { headers: { origin: ELSEWHERE } }),
    'register options, transports': [insert('x'), insert('y', { credentialID: 'eXk', transports: '' }), insert('z', { credentialID: 'eno', transports: null }), askToRegister(), askToSignIn({ who: 'ada' })],
    // generate-authenticate-options
    'sign-in options': askToSignIn(),
    'sign-in options, signed in': askToSignIn({ who: 'ada' }),
    'sign-in options, of others': [...registered(), askToSignIn({ who: 'vera' })],
    'sign-in options, POST': POST('/passkey/generate-authenticate-options', {}),
    // verify-registration
    ...named('register', each(MESSAGES, (options) => [askToRegister(), register(OWN, { format: 'packed-self', ...options })])),
    ...named('register, format', each(FORMATS.filter((format) => format !== 'fido-u2f'), (format) => [askToRegister(), register(OWN, { format }), LIST])),
    'register, format fido-u2f': [...registered(U2F, { format: 'fido-u2f' }), LIST],
    'register, format fido-u2f with an AAGUID': [askToRegister(), register(OWN, { format: 'fido-u2f' })],
    ...named('register and sign in', each(BY_ALGORITHM, (key) => [...registered(key), askToSignIn(), signIn(key)])),
    ...named('register, a changed byte', each([3, 40, 100, 150, 200, -1, -40, -100], (at) => [askToRegister(), register(OWN, { format: 'packed-self', change: part('attestationObject', flipped(at)) })])),
    ...named('register, transports', each([undefined, null, [], ['usb'], ['usb', null, 5], 'usb', 5, {}], (transports) => [askToRegister(), register(OWN, { change: part('transports', () => transports) }), LIST])),
    ...named('register, attestationObject', each([undefined, null, '', 'x', 5, 'oA', '____'], (object) => [askToRegister(), register(OWN, { change: part('attestationObject', () => object) })])),
    ...named('register, name', each(['', ' ', ' é ', 'x'.repeat(300)], (name) => [askToRegister(), register(OWN, { fields: { name } }), LIST])),
    'register, a session too': [askToRegister(), register(OWN, { fields: { createSession: true } }), SESSION],
    'register, no session wanted': [askToRegister(), register(OWN, { fields: { createSession: false } })],
    'register twice': [askToRegister(), register(), register(OTHER)],
    'register, signed out': [askToRegister(), register(OWN, { who: undefined })],
    'register, as somebody else': [askToRegister(), register(OWN, { who: 'vera' }), register()],
    'register, expired': [askToRegister(), EXPIRED, register()],
    'register, a challenge of a sign-in': [askToSignIn(), register()],
    'register, without a challenge': POST('/passkey/verify-registration', { response: {} }, { by: 'ada' }),
    'register, a badly signed challenge': [askToRegister(), { ...register(), jar: (jar, known) => ({ ...by('ada')(jar, known), 'better-auth.better-auth-passkey': 'x.y' }) }],
    'register, without an origin': [askToRegister(), register(OWN, { headers: { origin: null } })],
    'register, from elsewhere': [askToRegister(), register(OWN, { headers: { origin: ELSEWHERE } })],
    'register, a session that isn’t fresh': [askToRegister(), aged('5 days', '-2 days'), register()],
    'register, after signing out': [askToRegister(), `DELETE FROM session WHERE token = '{{ada.token}}'`, register()],
    'register what is there': differs('registeredTwice', [...registered(), askToRegister(), register()], [200, 1], [400, 'PREVIOUSLY_REGISTERED'], ({ answers }) => { const { status, body } = answers.at(-1); const { code } = JSON.parse(body); return [status, code ?? 1]; }),
    ...oddFields('/passkey/verify-registration', { response: { id: 'x' }, name: 'x', createSession: false }, { by: 'ada' }),
    ...oddBodies('/passkey/verify-registration', { by: 'ada' }),
    // verify-authentication
    ...named('sign in', each(MESSAGES, (options) => [...registered(), askToSignIn(), signIn(OWN, options)])),
    ...named('sign in, counter', each([0, 4, 5, 6, 2147483647], (counter) => [...registered(), COUNTER, askToSignIn(), signIn(COUNTING, { counter, change: (message) => ({ ...message, id: OWN.credentialId, rawId: OWN.credentialId }), key: OWN.key }), SESSION])),
    'sign in, another key': [...registered(), askToSignIn(), signIn(OWN, { key: OTHER.key })],
    'sign in, another hash': [...registered(), askToSignIn(), signIn(OWN, { hash: 'sha384' })],
    'sign in, a key for a key': [...registered(), ...registered(OTHER), askToSignIn(), signIn(OTHER, { change: (message) => ({ ...message, id: OWN.credentialId, rawId: OWN.credentialId }) })],
    'sign in, unknown': [askToSignIn(), signIn()],
    'sign in, an id with padding': [...registered(), askToSignIn(), signIn(OWN, { change: (message) => ({ ...message, id: `${message.id}==`, rawId: `${message.id}==` }) })],
    'sign in, the user gone': [...registered(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, askToSignIn(), signIn()],
    'sign in, signed in as somebody else': [...registered(), askToSignIn({ who: 'vera' }), signIn(OWN, { who: 'vera' }), SESSION],
    'sign in twice': [...registered(), askToSignIn(), signIn(), signIn()],
    'sign in, expired': [...registered(), askToSignIn(), EXPIRED, signIn()],
    'sign in, a challenge of a registration': [...registered(), askToRegister(), signIn()],
    'sign in, without a challenge': [...registered(), signIn(OWN, { change: (message) => message })],
    'sign in, without an origin': [...registered(), askToSignIn(), signIn(OWN, { headers: { origin: null } })],
    'sign in, from elsewhere': [...registered(), askToSignIn(), signIn(OWN, { headers: { origin: ELSEWHERE } })],
    ...named('sign in, userHandle', each(['eA', '', null, 5, 0, false, {}], (userHandle) => [...registered(), askToSignIn(), signIn(OWN, { userHandle })])),
    ...named('sign in, authenticatorData', each([undefined, null, '', 'é', '+/==', 5], (data) => [...registered(), askToSignIn(), signIn(OWN, { change: part('authenticatorData', () => data) })])),
    ...named('sign in, signature', each([undefined, '', 'é', 'MAYCAQECAQE', 'AAAA'], (signature) => [...registered(), askToSignIn(), signIn(OWN, { change: part('signature', () => signature) })])),
    ...named('sign in, a row of', each({ 'another form of base64': { publicKey: OWN.publicKey.replace(/=+$/, '') }, 'no key': { publicKey: 'x' }, 'an empty key': { publicKey: '' } }, (fields) => [insert('x', fields), askToSignIn(), signIn()])),
    ...oddFields('/passkey/verify-authentication', { response: { id: 'x' } }),
    ...oddBodies('/passkey/verify-authentication'),
    // list-user-passkeys, update-passkey, delete-passkey
    'list, signed out': GET('/passkey/list-user-passkeys'),
    'list, of others': [...registered(), GET('/passkey/list-user-passkeys', { by: 'vera' })],
    'update, of others': [...registered(), update({}, { by: 'vera' })],
    'update, signed out': [...registered(), update({}, { by: undefined })],
    ...named('update', each([' phone ', '\u0085x', '\ufeff'], (name) => [...registered(), update({ name })])),
    ...oddFields('/passkey/update-passkey', { id: 'x', name: 'x' }, { by: 'ada' }),
    ...oddBodies('/passkey/update-passkey', { by: 'ada' }),
    'delete, of others': [...registered(), remove({}, { by: 'vera' })],
    'delete, signed out': [...registered(), remove({}, { by: undefined })],
    'delete, twice': [...registered(), remove(), remove()],
    ...oddFields('/passkey/delete-passkey', { id: 'x' }, { by: 'ada' }),
    ...oddBodies('/passkey/delete-passkey', { by: 'ada' }),
  }),
  group(', options', {
    rpID: HOST, rpName: 'The App', origin: [BASE_URL, ELSEWHERE],
    authenticatorSelection: { authenticatorAttachment: 'platform', residentKey: 'required', userVerification: 'required' },
    advanced: { webAuthnChallengeCookie: 'challenge' }, registration: { extensions: { minPinLength: true } }, authentication: { extensions: { uvm: true } },
  }, {
    passkey_rp_id: HOST, passkey_rp_name: 'The App', passkey_origin: `${BASE_URL},${ELSEWHERE}`, passkey_authenticator_attachment: 'platform', passkey_resident_key: 'required',
    passkey_user_verification: 'required', passkey_web_authn_challenge_cookie: 'challenge', passkey_registration_extensions: '{"minPinLength": true}', passkey_authentication_extensions: '{"uvm": true}',
  }, {
    ...flows,
    'asked for another attachment': askToRegister('?authenticatorAttachment=cross-platform'),
    'a listed origin': [...registered(OWN, { clientData: { origin: ELSEWHERE } }), askToSignIn(), signIn(OWN, { clientData: { origin: ELSEWHERE }, headers: { origin: null } })],
    'an origin that isn’t listed': [askToRegister(), register(OWN, { clientData: { origin: 'https://x.example' } })],
  }),
  group(', another RP id', { rpID: 'example.com' }, { passkey_rp_id: 'example.com' }, {
    'of another': [askToRegister(), register()],
    'of it': [...registered(OWN, { rpId: 'example.com' }), askToSignIn(), signIn(OWN, { rpId: 'example.com' })],
  }),
  group(', without a session', { registration: { requireSession: false } }, { passkey_registration_require_session: 'off' }, {
    ...flows,
    'signed out': askToRegister('', { who: undefined }),
    'a session that isn’t fresh': [aged('5 days', '-2 days'), askToRegister(), register()],
    'registered signed out': [askToRegister(), register(OWN, { who: undefined }), LIST],
    'registered signed out, with a session': [askToRegister(), register(OWN, { who: undefined, fields: { createSession: true } }), SESSION],
    'registered signed out, the user gone': [askToRegister(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, register(OWN, { who: undefined, fields: { createSession: true } })],
    'registered signed out, the user gone, no session wanted': [askToRegister(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, register(OWN, { who: undefined })],
    'as somebody else': [askToRegister(), register(OWN, { who: 'vera' })],
  }),
];
