// Writes src/crypto/webauthn/vectors.json: messages of WebAuthn, and what @simplewebauthn/server says to each and to
// what becomes of it by a changed byte.

import { writeFileSync } from 'node:fs';
import { SettingsService, verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { FORMATS, Passkey, ROOT, UP, UV, BE, BS, b64, cbor, pem } from '../interop/authenticator.mjs';

for (const identifier of ['apple', 'android-key']) SettingsService.setRootCertificates({ identifier, certificates: [pem(ROOT)] });
const CHALLENGE = b64('a challenge of thirty-two bytes!');
const ALGORITHMS = { none: ['ES256', 'EdDSA', 'RS256', 'ES512', 'PS256', 'PS384', 'PS512', 'RS384', 'RS512', 'RS1', 'ES384'], 'packed-self': ['ES256', 'EdDSA', 'RS256', 'ES512', 'PS256', 'RS1'], tpm: ['ES256', 'RS256'], packed: ['ES256'], 'fido-u2f': ['ES256', 'EdDSA'], apple: ['ES256', 'ES384'], 'android-key': ['ES256', 'RS256'] };
let seed = 1;
const random = (limit) => ((seed = (seed * 48271) % 2147483647), seed % limit);

async function verdict(run) {
  try {
    return (await run()).verified ? 'verified' : 'unverified';
  } catch {
    return 'malformed';
  }
}
const register = (message, passkey) => verifyRegistrationResponse({ response: message, expectedChallenge: CHALLENGE, expectedOrigin: passkey.origin, expectedRPID: passkey.rpId, requireUserVerification: false });
const authenticate = (message, passkey) => verifyAuthenticationResponse({ response: message, expectedChallenge: CHALLENGE, expectedOrigin: passkey.origin, expectedRPID: passkey.rpId, requireUserVerification: false, credential: { id: passkey.credentialId, publicKey: Buffer.from(passkey.publicKey, 'base64'), counter: passkey.known ?? 0 } });

const messages = [];
async function add(name, message, passkey, kind, count) {
  const run = kind === 'create' ? (changed) => register(changed, passkey) : (changed) => authenticate(changed, passkey);
  const given = JSON.parse(JSON.stringify(message));
  const entry = { name, kind, message: given, verdict: await verdict(() => run(given)), changes: [] };
  if (kind === 'get') Object.assign(entry, { publicKey: passkey.publicKey, counter: passkey.known ?? 0 });
  else if (entry.verdict === 'verified') {
    const { registrationInfo: { aaguid, credential, credentialBackedUp, credentialDeviceType } } = await run(given);
    entry.registered = { aaguid, id: credential.id, publicKey: Buffer.from(credential.publicKey).toString('base64'), counter: credential.counter, credentialBackedUp, credentialDeviceType };
  }
  const parts = Object.keys(given.response).filter((part) => ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature'].includes(part));
  for (let n = 0; n < count; n++) {
    const part = parts[random(parts.length)];
    const bytes = Buffer.from(given.response[part], 'base64url');
    const [at, by] = [random(bytes.length), 1 << random(8)];
    bytes[at] ^= by;
    entry.changes.push([part, at, by, await verdict(() => run({ ...given, response: { ...given.response, [part]: b64(bytes) } }))]);
  }
  messages.push(entry);
}

for (const format of FORMATS) {
  for (const alg of ALGORITHMS[format]) {
    const passkey = new Passkey({ alg, aaguid: format === 'fido-u2f' ? Buffer.alloc(16) : Buffer.from('0123456789abcdef') });
    await add(`${format} ${alg}`, passkey.register(CHALLENGE, { format }), passkey, 'create', format === 'none' ? 20 : 50);
    if (format === 'none') await add(`get ${alg}`, passkey.authenticate(CHALLENGE), passkey, 'get', 20);
  }
}
const odd = async (name, options, passkey = new Passkey(options.passkey)) => add(name, passkey.register(CHALLENGE, options), passkey, 'create', 0);
await odd('backed up', { flags: UP | BE | BS });
await odd('multi-device', { flags: UP | BE });
await odd('backed up on a single device', { flags: UP | BS });
await odd('nobody present', { flags: UV });
await odd('extensions', { extensions: { credProtect: 2, minPinLength: 4, list: [true, null] } });
await odd('another RP id', { rpId: 'elsewhere' });
await odd('another challenge', { clientData: { challenge: 'x' } });
await odd('another origin', { clientData: { origin: 'http://localhost' } });
await odd('another type', { clientData: { type: 'webauthn.get' } });
await odd('token binding', { clientData: { tokenBinding: { status: 'not-supported' } } });
await odd('an unknown token binding', { clientData: { tokenBinding: { status: 'x' } } });
await odd('a token binding of text', { clientData: { tokenBinding: 'present' } });
for (const [name, change] of Object.entries({
  expired: { until: new Date(Date.now() - 3600_000), from: new Date(Date.now() - 7200_000) },
  'not yet valid': { from: new Date(Date.now() + 300 * 86_400_000) },
  'an authority': { ca: true, extensions: [] },
  'of version 1': { version: 0, extensions: [] },
  'without a unit': { subject: { C: 'SE', O: 'Tests', CN: 'x' } },
  'of a long country': { subject: { C: 'SWE', O: 'Tests', OU: 'Authenticator Attestation', CN: 'x' } },
  'without extensions': { extensions: [] },
})) {
  for (const format of ['packed', 'tpm', 'fido-u2f', 'apple', 'android-key']) await odd(`${format}, a certificate ${name}`, { format, change });
}
await odd('packed by RSA', { format: 'packed', by: 'RS256' });
await odd('tpm by EC', { format: 'tpm', by: 'ES256' });
await odd('tpm by RS1', { format: 'tpm', by: 'RS1', passkey: { alg: 'RS256' } });
await odd('android for all applications', { format: 'android-key', forAll: true });
await odd('u2f with an AAGUID', { format: 'fido-u2f', aaguid: Buffer.alloc(16, 1) });
for (const fmt of ['android-safetynet', 'compound', 'x', '']) {
  const passkey = new Passkey();
  await add(`format ${fmt}`, passkey.assemble({ ...passkey.create(CHALLENGE), fmt }), passkey, 'create', 0);
}
{
  const passkey = new Passkey();
  const parts = passkey.create(CHALLENGE, { format: 'packed-self' });
  await add('none with a statement', passkey.assemble({ ...parts, fmt: 'none' }), passkey, 'create', 0);
  await add('packed without a signature', passkey.assemble({ ...parts, attStmt: { alg: -7 } }), passkey, 'create', 0);
  await add('packed without an algorithm', passkey.assemble({ ...parts, attStmt: { sig: parts.attStmt.sig } }), passkey, 'create', 0);
  await add('packed by ES256K', passkey.assemble({ ...parts, attStmt: { ...parts.attStmt, alg: -47 } }), passkey, 'create', 0);
  const apple = passkey.create(CHALLENGE, { format: 'apple' });
  for (const [name, x5c] of Object.entries({ 'the leaf alone': apple.attStmt.x5c.slice(0, 1), 'the root too': [...apple.attStmt.x5c, ROOT], 'the leaf twice': [apple.attStmt.x5c[0], ...apple.attStmt.x5c], nothing: [] })) {
    await add(`apple, ${name}`, passkey.assemble({ ...apple, attStmt: { x5c } }), passkey, 'create', 0);
  }
  const longer = Buffer.concat([parts.authData, Buffer.from([0])]);
  await add('bytes left over', passkey.assemble({ ...parts, authData: longer }), passkey, 'create', 0);
  await add('a key that says too little', passkey.register(CHALLENGE, { cose: Buffer.concat([Buffer.from([0xb8, 5]), cbor(passkey.cose).subarray(1)]) }), passkey, 'create', 0);
  await add('a key of ES256K', passkey.register(CHALLENGE, { cose: new Map([...passkey.cose, [3, -47]]) }), passkey, 'create', 0);
  for (const [name, change] of Object.entries({ 'no id': { id: '' }, 'another rawId': { rawId: 'x' }, 'another type': { type: 'x' }, 'no response': { response: {} } })) {
    await add(name, { ...passkey.register(CHALLENGE), ...change }, passkey, 'create', 0);
  }
  await add('packed with an id of other letters', { ...passkey.register(CHALLENGE, { format: 'packed-self' }), id: '+/', rawId: '+/' }, passkey, 'create', 0);
}
for (const [known, counter] of [[0, 0], [0, 1], [5, 6], [5, 5], [5, 4], [5, 0], [0, 4_000_000_000]]) {
  const passkey = new Passkey({ known });
  await add(`counter ${counter} after ${known}`, passkey.authenticate(CHALLENGE, { counter }), passkey, 'get', 0);
}
for (const [name, options] of Object.entries({
  'nobody present': { flags: UV },
  'backed up on a single device': { flags: UP | BS },
  extensions: { extensions: { appid: true } },
  'another RP id': { rpId: 'elsewhere' },
  'another challenge': { clientData: { challenge: 'x' } },
  'another origin': { clientData: { origin: 'http://localhost:3001' } },
  'of creation': { clientData: { type: 'webauthn.create' } },
  'a token binding of registrations': { clientData: { tokenBinding: { status: 'not-supported' } } },
  'a token binding': { clientData: { tokenBinding: { status: 'notSupported' } } },
  'a user handle': { userHandle: 'eA' },
  'a user handle of a number': { userHandle: 5 },
  'by another hash': { hash: 'sha512' },
  'by another key': { key: new Passkey().key },
})) {
  const passkey = new Passkey();
  await add(`get, ${name}`, passkey.authenticate(CHALLENGE, options), passkey, 'get', 0);
}
const changes = messages.reduce((sum, { changes }) => sum + changes.length, 0);
const lines = messages.map((message) => JSON.stringify(message)).join(',\n');
writeFileSync(new URL('../../src/crypto/webauthn/vectors.json', import.meta.url), `{"challenge":"${CHALLENGE}","now":${Date.now()},"root":"${ROOT.toString('base64')}","messages":[\n${lines}\n]}\n`);
console.log(messages.length, 'messages', changes, 'changes');
