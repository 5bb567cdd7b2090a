// Writes src/crypto/id_token.json: id tokens and key sets of many kinds, and whether Better Auth takes each: its
// verifyProviderIdToken, with jose's createLocalJWKSet, at a fixed time. `known` is whether jose finds a key, or several,
// that the token may be of; where it finds none, it would fetch the set anew.

import { createHash, createHmac, generateKeyPairSync, sign as signBytes, constants } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mock } from 'node:test';
import { verifyProviderIdToken } from '@better-auth/core/oauth2';
import { SignJWT, createLocalJWKSet, decodeProtectedHeader, errors } from 'jose';

const NOW = 1796000000;
mock.timers.enable({ apis: ['Date'], now: NOW * 1000 });
const ISSUER = 'https://issuer.example';
const CLIENT = 'client-1';
const NONCE = 'n-0S6_WzA2Mj é';
const hash = (text) => createHash('sha256').update(text).digest('hex');
const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const CLAIMS = { iss: ISSUER, sub: '248289761001', aud: CLIENT, exp: NOW + 3600, iat: NOW, nonce: NONCE, email: 'jane@example.com', email_verified: true };

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  rsa2: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  weak: generateKeyPairSync('rsa', { modulusLength: 1024 }),
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed: generateKeyPairSync('ed25519'),
};
const jwk = (name, more = {}) => ({ ...pairs[name].publicKey.export({ format: 'jwk' }), kid: name, ...more });
const HASHES = { 256: 'sha256', 384: 'sha384', 512: 'sha512' };

/** The signature of what is there, whatever the header says. */
function signature(alg, pair, signed) {
  const bytes = Buffer.from(signed);
  const digest = HASHES[alg.slice(2)];
  if (alg.startsWith('Ed')) return signBytes(null, bytes, pair.privateKey);
  if (alg.startsWith('ES')) return signBytes(digest, bytes, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
  if (alg.startsWith('PS')) return signBytes(digest, bytes, { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
  return signBytes(digest, bytes, pair.privateKey);
}
function token(payload = CLAIMS, { alg = 'ES256', pair = 'p256', header = { alg, kid: pair } } = {}) {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${signature(alg, pairs[pair], signed).toString('base64url')}`;
}
const hmac = (header, secret) => {
  const signed = `${encode(header)}.${encode(CLAIMS)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
};

const cases = [];
const RULES = { issuer: ISSUER, audience: CLIENT };
async function add(name, given, { keys = [jwk('p256')], set = { keys }, nonce, ...rules } = {}) {
  const config = { ...RULES, ...rules };
  const entry = { name, token: given, set, ...config, nonce };
  try {
    const jwks = createLocalJWKSet(JSON.parse(JSON.stringify(set)));
    entry.good = await verifyProviderIdToken({ idToken: { ...config, jwks } }, given, nonce);
    try {
      const header = decodeProtectedHeader(given);
      if (given.split('.').length === 3 && !header.crit) {
        entry.known = await jwks(header, given).then(() => true, (error) => (error instanceof errors.JOSENotSupported ? undefined : !(error instanceof errors.JWKSNoMatchingKey)));
      }
    } catch {}
  } catch {
    entry.good = false;
  }
  cases.push(entry);
}
const claims = (more) => {
  const changed = { ...CLAIMS, ...more };
  for (const [name, value] of Object.entries(changed)) if (value === undefined) delete changed[name];
  return token(changed);
};

// Algorithms, by jose's own signer.
for (const [alg, pair] of [['RS256', 'rsa'], ['RS384', 'rsa'], ['RS512', 'rsa'], ['PS256', 'rsa'], ['PS384', 'rsa'], ['PS512', 'rsa'], ['ES256', 'p256'], ['ES384', 'p384'], ['ES512', 'p521'], ['EdDSA', 'ed'], ['Ed25519', 'ed']]) {
  const made = await new SignJWT(CLAIMS).setProtectedHeader({ alg, kid: pair, typ: 'JWT' }).sign(pairs[pair].privateKey);
  const all = ['rsa2', 'rsa', 'p256', 'p384', 'p521', 'ed'].map((name) => jwk(name));
  await add(`${alg} by jose`, made, { keys: all });
  await add(`${alg}, allowed`, made, { keys: all, algorithms: [alg] });
  await add(`${alg}, others allowed`, made, { keys: all, algorithms: ['RS256', 'ES256', 'EdDSA'].filter((one) => one !== alg) });
  await add(`${alg}, the key says so`, made, { keys: [jwk(pair, { alg, use: 'sig' })] });
  await add(`${alg}, the key says another`, made, { keys: [jwk(pair, { alg: alg === 'RS256' ? 'PS256' : 'RS256' })] });
  await add(`${alg}, another key of that kid`, made, { keys: [jwk(pair === 'rsa' ? 'rsa2' : 'rsa', { kid: pair })] });
}

// Which key.
const rs = (header, pair = 'rsa') => token(CLAIMS, { alg: 'RS256', pair, header: { alg: 'RS256', ...header } });
await add('no kid, one key', rs({}), { keys: [jwk('rsa')] });
await add('no kid, one key without kid', rs({}), { keys: [jwk('rsa', { kid: undefined })] });
await add('no kid, one key of its kind', rs({}), { keys: [jwk('p256'), jwk('rsa'), jwk('ed')] });
await add('no kid, two keys of its kind', rs({}), { keys: [jwk('rsa'), jwk('rsa2')] });
await add('no kid, two keys of its kind, one for another algorithm', rs({}), { keys: [jwk('rsa'), jwk('rsa2', { alg: 'PS256' })] });
await add('no kid, two keys of its kind, one for encryption', rs({}), { keys: [jwk('rsa'), jwk('rsa2', { use: 'enc' })] });
await add('no kid, the only key is another', rs({}, 'rsa2'), { keys: [jwk('rsa')] });
await add('a kid, and a key without one', rs({ kid: 'rsa' }), { keys: [jwk('rsa', { kid: undefined })] });
await add('a kid that no key has', rs({ kid: 'gone' }), { keys: [jwk('rsa')] });
await add('a kid in other case', rs({ kid: 'RSA' }), { keys: [jwk('rsa')] });
await add('an empty kid', rs({ kid: '' }), { keys: [jwk('rsa')] });
await add('an empty kid of both', rs({ kid: '' }), { keys: [jwk('rsa', { kid: '' })] });
await add('a kid that is a number', rs({ kid: 1 }), { keys: [jwk('rsa', { kid: 1 })] });
await add('a kid that is null', rs({ kid: null }), { keys: [jwk('rsa')] });
await add('a kid that is a list', rs({ kid: ['rsa'] }), { keys: [jwk('rsa')] });
await add('two keys of one kid', rs({ kid: 'a' }), { keys: [jwk('rsa', { kid: 'a' }), jwk('rsa2', { kid: 'a' })] });
await add('the same key twice', rs({ kid: 'a' }), { keys: [jwk('rsa', { kid: 'a' }), jwk('rsa', { kid: 'a' })] });
await add('two keys of one kid, of two kinds', rs({ kid: 'a' }), { keys: [jwk('p256', { kid: 'a' }), jwk('rsa', { kid: 'a' })] });
await add('two keys of one kid, for two algorithms', rs({ kid: 'a' }), { keys: [jwk('rsa2', { kid: 'a', alg: 'RS512' }), jwk('rsa', { kid: 'a', alg: 'RS256' })] });
await add('two keys of one kid, one of them none', rs({ kid: 'a' }), { keys: [jwk('rsa', { kid: 'a' }), { kty: 'RSA', kid: 'a', n: 'AQ', e: 'AQAB' }] });
await add('no keys', rs({ kid: 'rsa' }), { keys: [] });

// What a key says of itself.
for (const [name, more] of Object.entries({
  'use sig': { use: 'sig' }, 'use enc': { use: 'enc' }, 'use null': { use: null }, 'use empty': { use: '' }, 'use SIG': { use: 'SIG' }, 'use a list': { use: ['sig'] },
  'key_ops verify': { key_ops: ['verify'] }, 'key_ops sign': { key_ops: ['sign'] }, 'key_ops none': { key_ops: [] }, 'key_ops encrypt': { key_ops: ['encrypt'] }, 'key_ops twice': { key_ops: ['verify', 'verify'] }, 'key_ops a text': { key_ops: 'verify' }, 'key_ops of others': { key_ops: ['verify', 1] }, 'key_ops null': { key_ops: null },
  'alg null': { alg: null }, 'alg none': { alg: 'none' }, 'alg HS256': { alg: 'HS256' }, 'alg RSA-OAEP': { alg: 'RSA-OAEP' },
  'ext true': { ext: true }, 'ext false': { ext: false }, 'ext a text': { ext: 'true' }, 'ext null': { ext: null },
  'kty in lower case': { kty: 'rsa' }, 'kty oct': { kty: 'oct' }, 'no kty': { kty: undefined }, 'more members': { x5t: 'abc', x5c: ['MIIB'], 'x-more': { a: [1] } },
  'n null': { n: null }, 'no n': { n: undefined }, 'n empty': { n: '' }, 'n of other digits': { n: '+/==' }, 'e even': { e: 'AQAA' }, 'e one': { e: 'AQ' }, 'no e': { e: undefined },
})) await add(`a key of ${name}`, rs({ kid: 'rsa' }), { keys: [jwk('rsa', more)] });
await add('a key of key_ops verify and others', token(), { keys: [jwk('p256', { key_ops: ['verify', 'sign'] })] });
await add('an RSA key of 1024 bits', rs({ kid: 'weak' }, 'weak'), { keys: [jwk('weak')] });
await add('a curve of another name', token(), { keys: [jwk('p256', { crv: 'P-384' })] });
await add('a curve of no name', token(), { keys: [jwk('p256', { crv: undefined })] });
await add('a point that is none', token(), { keys: [jwk('p256', { y: jwk('p256').x })] });
await add('ES256 of another curve', token(CLAIMS, { alg: 'ES256', pair: 'p384' }), { keys: [jwk('p384')] });
await add('ES384 of the smaller curve', token(CLAIMS, { alg: 'ES384', pair: 'p256' }), { keys: [jwk('p256')] });
await add('a private key', rs({ kid: 'rsa' }), { keys: [pairs.rsa.privateKey.export({ format: 'jwk' })].map((key) => ({ ...key, kid: 'rsa' })) });
await add('a private key of a curve', token(), { keys: [{ ...pairs.p256.privateKey.export({ format: 'jwk' }), kid: 'p256' }] });
await add('a secret among the keys', token(), { keys: [{ kty: 'oct', k: encode('a secret'), kid: 'secret' }, jwk('p256')] });
for (const [name, set] of Object.entries({ 'null': null, 'a list': [jwk('p256')], 'no keys member': {}, 'keys an object': { keys: jwk('p256') }, 'keys null': { keys: null }, 'keys of texts': { keys: [jwk('p256'), 'x'] }, 'keys of null': { keys: [null, jwk('p256')] }, 'more than keys': { keys: [jwk('p256')], more: 1 } })) {
  await add(`a set that is ${name}`, token(), { set });
}

// Algorithms that a token chooses.
const pem = pairs.rsa.publicKey.export({ type: 'spki', format: 'pem' });
for (const [name, secret] of Object.entries({ PEM: pem, n: jwk('rsa').n, modulus: Buffer.from(jwk('rsa').n, 'base64url'), JWK: JSON.stringify(jwk('rsa')), nothing: '', DER: pairs.rsa.publicKey.export({ type: 'spki', format: 'der' }) })) {
  await add(`HS256 by the ${name}`, hmac({ alg: 'HS256', kid: 'rsa' }, secret), { keys: [jwk('rsa')] });
  await add(`HS256 by the ${name}, called RS256`, hmac({ alg: 'RS256', kid: 'rsa' }, secret), { keys: [jwk('rsa')] });
}
await add('HS256 by a secret of the set', hmac({ alg: 'HS256', kid: 'secret' }, 'a secret'), { keys: [{ kty: 'oct', k: encode('a secret'), kid: 'secret', alg: 'HS256' }] });
await add('HS256, allowed', hmac({ alg: 'HS256', kid: 'secret' }, 'a secret'), { keys: [{ kty: 'oct', k: encode('a secret'), kid: 'secret' }], algorithms: ['HS256'] });
for (const alg of ['none', 'None', 'NONE', '', null, undefined, ['RS256'], 'rs256', 'RS256 ', 'RS1', 'ES256K', 'ML-DSA-44', '__proto__', 'toString']) {
  await add(`alg ${JSON.stringify(alg)}`, `${encode({ alg, kid: 'rsa' })}.${encode(CLAIMS)}.`, { keys: [jwk('rsa')] });
  await add(`alg ${JSON.stringify(alg)}, signed`, rs({ alg, kid: 'rsa' }), { keys: [jwk('rsa')] });
}
await add('alg none, allowed', `${encode({ alg: 'none' })}.${encode(CLAIMS)}.`, { keys: [jwk('rsa')], algorithms: ['none'] });
for (const [alg, other] of [['RS256', 'PS256'], ['PS256', 'RS256'], ['RS256', 'RS512'], ['RS512', 'RS256'], ['RS256', 'ES256'], ['RS256', 'EdDSA']]) {
  await add(`${alg}, called ${other}`, token(CLAIMS, { alg, pair: 'rsa', header: { alg: other, kid: 'rsa' } }), { keys: [jwk('rsa')] });
}

// Headers.
for (const [name, more] of Object.entries({ 'crit': { crit: ['exp'], exp: 1 }, 'crit b64': { crit: ['b64'], b64: true }, 'crit empty': { crit: [] }, 'crit null': { crit: null }, 'typ': { typ: 'at+jwt' }, 'b64 without crit': { b64: false }, 'jku': { jku: 'https://attacker.example/keys' } })) {
  await add(`a header with ${name}`, token(CLAIMS, { header: { alg: 'ES256', kid: 'p256', ...more } }));
}
const attacker = pairs.rsa2.publicKey.export({ format: 'jwk' });
await add('the attacker’s key in the header', rs({ kid: 'rsa', jwk: attacker, x5c: [pem] }, 'rsa2'), { keys: [jwk('rsa')] });
await add('the attacker’s key in the header, without kid', rs({ jwk: attacker }, 'rsa2'), { keys: [jwk('rsa')] });
for (const header of ['[]', 'null', '"x"', '{', '', '{"alg":"ES256"}x', '\ufeff{"alg":"ES256"}']) await add(`a header of ${JSON.stringify(header)}`, token(CLAIMS, { header }));

// The form.
const good = token();
const [head, body, sig] = good.split('.');
for (const [name, text] of Object.entries({ empty: '', 'two parts': `${head}.${body}`, 'four parts': `${good}.x`, 'no signature': `${head}.${body}.`, 'no payload': `${head}..${sig}`, 'half a signature': `${head}.${body}.${sig.slice(0, 40)}`, 'more of a signature': `${good}AAAA`, 'a signature of zeros': `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`, 'another payload': `${head}.${encode({ ...CLAIMS, sub: '1' })}.${sig}`, 'another header': `${encode({ alg: 'ES256' })}.${body}.${sig}`, 'other digits': `${head}.${body}.${sig.slice(0, -1)}*`, text: 'not a token' })) await add(`a token of ${name}`, text);
const der = signBytes('sha256', Buffer.from(`${head}.${body}`), pairs.p256.privateKey).toString('base64url');
await add('ECDSA’s other form', `${head}.${body}.${der}`);
for (const payload of ['[]', 'null', '1', '"x"', '', '{', '{}', `${JSON.stringify(CLAIMS)}x`, `${JSON.stringify(CLAIMS).slice(0, -1)},"sub":"2"}`, `${JSON.stringify(CLAIMS).slice(0, -1)},"exp":1}`]) await add(`a payload of ${payload.slice(-12)}`, token(payload));

// Claims.
for (const name of ['iss', 'sub', 'aud', 'exp', 'iat']) {
  await add(`no ${name}`, claims({ [name]: undefined }));
  await add(`${name} null`, claims({ [name]: null }));
}
await add('iss null, of any', claims({ iss: null }), { issuer: undefined });
await add('no iss, of any', claims({ iss: undefined }), { issuer: undefined });
await add('another iss, of any', claims({ iss: 'https://x.example' }), { issuer: undefined });
for (const iss of ['https://other.example', `${ISSUER}/`, ISSUER.toUpperCase(), '', [ISSUER], `${ISSUER}.attacker.example`]) await add(`iss ${JSON.stringify(iss)}`, claims({ iss }));
await add('iss the second of two', claims({ iss: 'issuer.example' }), { issuer: [ISSUER, 'issuer.example'] });
await add('iss none of two', claims({ iss: 'other' }), { issuer: [ISSUER, 'issuer.example'] });
for (const aud of ['other', '', [], [''], ['other'], ['other', CLIENT], [[CLIENT]], { 0: CLIENT }, 1, `${CLIENT} `, [CLIENT, 1]]) await add(`aud ${JSON.stringify(aud)}`, claims({ aud }));
await add('aud the second client', claims({ aud: 'client-2' }), { audience: [CLIENT, 'client-2'] });
await add('aud of neither client', claims({ aud: 'client-3' }), { audience: [CLIENT, 'client-2'] });
for (const audience of ['', [], ['', '']]) await add(`no audience set up: ${JSON.stringify(audience)}`, claims({ aud: '' }), { audience });
for (const exp of [NOW, NOW - 29, NOW - 30, NOW - 31, NOW - 29.5, NOW - 30.5, 0, -1, String(NOW + 60), 1e300, true]) await add(`exp ${exp}`, claims({ exp }));
for (const nbf of [NOW, NOW + 30, NOW + 31, NOW + 30.5, String(NOW), null, 0]) await add(`nbf ${nbf}`, claims({ nbf }));
for (const iat of [NOW - 86400, NOW + 30, NOW + 31, NOW + 86400, String(NOW), NOW + 0.5, 0]) {
  await add(`iat ${iat}`, claims({ iat }));
  await add(`iat ${iat}, an hour at most`, claims({ iat }), { maxTokenAge: 3600 });
}
for (const age of [3629, 3630, 3631]) await add(`${age} s old, an hour at most`, claims({ iat: NOW - age }), { maxTokenAge: 3600 });
for (const [name, of] of Object.entries({ same: NONCE, other: 'x', hashed: hash(NONCE), 'in capitals': hash(NONCE).toUpperCase(), missing: undefined, number: 5, list: [NONCE], empty: '' })) {
  for (const nonceComparison of ['exact', 'exact-or-sha256']) {
    await add(`nonce ${name}, ${nonceComparison}`, claims({ nonce: of }), { nonce: NONCE, nonceComparison });
    await add(`nonce ${name}, none asked for, ${nonceComparison}`, claims({ nonce: of }), { nonceComparison });
  }
}
await add('nonce hashed twice', claims({ nonce: hash(hash(NONCE)) }), { nonce: NONCE, nonceComparison: 'exact-or-sha256' });
await add('nonce asked for is empty', claims({ nonce: 'x' }), { nonce: '' });

// Sets are many times the same: each stands once.
const sets = [];
const place = (set) => {
  const text = JSON.stringify(set);
  if (!sets.includes(text)) sets.push(text);
  return sets.indexOf(text);
};
const lines = cases.map((entry) => JSON.stringify({ ...entry, set: place(entry.set) }));
writeFileSync(new URL('../../src/crypto/id_token.json', import.meta.url), `{"now":${NOW},"sets":[\n${sets.join(',\n')}\n],"cases":[\n${lines.join(',\n')}\n]}\n`);
console.log(cases.length, 'cases,', cases.filter(({ good }) => good).length, 'good');
