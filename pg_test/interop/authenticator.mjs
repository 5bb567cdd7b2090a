// An authenticator in software, for tests: keys, attestations of all formats, and what a browser makes of them.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign as signBy } from 'node:crypto';

const b64 = (bytes) => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
const u16 = (n) => Buffer.from([n >> 8, n & 255]);
const u32 = (n) => Buffer.from([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);

// ── CBOR and DER ──

/** CBOR in its shortest form. Maps are Maps, or objects with text for keys. */
export function cbor(value) {
  const head = (major, n) =>
    n < 24 ? Buffer.from([(major << 5) | n]) : n < 256 ? Buffer.from([(major << 5) | 24, n]) : n < 65536 ? Buffer.from([(major << 5) | 25, n >> 8, n & 255]) : Buffer.concat([Buffer.from([(major << 5) | 26]), u32(n)]);
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4]);
  if (value === null) return Buffer.from([0xf6]);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Buffer.concat([head(5, entries.length), ...entries.flatMap(([key, item]) => [cbor(key), cbor(item)])]);
}

export function der(tag, ...parts) {
  const body = Buffer.concat(parts);
  const n = body.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  const tags = tag < 256 ? [tag] : [tag >> 16, (tag >> 8) & 255, tag & 255].filter((byte, at) => at > 0 || byte);
  return Buffer.concat([Buffer.from([...tags, ...length]), body]);
}
const seq = (...parts) => der(0x30, ...parts);
const oid = (text) => {
  const [a, b, ...rest] = text.split('.').map(Number);
  const bytes = [a * 40 + b];
  for (const n of rest) {
    const digits = [n & 127];
    for (let left = Math.floor(n / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left & 127) | 128);
    bytes.push(...digits);
  }
  return der(6, Buffer.from(bytes));
};
const integer = (bytes) => der(2, Buffer.from(bytes));
const utf8 = (text) => der(0x0c, Buffer.from(text));
const time = (date) => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')));
const name = (attributes) => seq(...attributes.map(([type, text]) => der(0x31, seq(oid(type), utf8(text)))));

const NAMES = { C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' };
const named = (subject) => name(Object.entries(subject).map(([key, text]) => [NAMES[key], text]));
const DAY = 86_400_000;
const SIGNATURES = { ec: ['sha256', '1.2.840.10045.4.3.2'], rsa: ['sha256', '1.2.840.113549.1.1.11'] };

/** A certificate. `issuer` is {subject, key}; without one it is its own. */
export function certificate({ subject, key, issuer = { subject, key }, extensions = [], version = 2, from = new Date(Date.now() - DAY), until = new Date(Date.now() + 3650 * DAY), serial = randomBytes(8), ca = false }) {
  const [hash, algorithm] = SIGNATURES[issuer.key.privateKey.asymmetricKeyType];
  const signed = seq(oid(algorithm), ...(issuer.key.privateKey.asymmetricKeyType === 'rsa' ? [der(5)] : []));
  const all = [...(ca ? [['2.5.29.19', seq(der(1, Buffer.from([255])))]] : []), ...extensions];
  const tbs = seq(
    der(0xa0, integer([version])),
    integer([1, ...serial]),
    signed,
    named(issuer.subject),
    seq(time(from), time(until)),
    named(subject),
    key.publicKey.export({ type: 'spki', format: 'der' }),
    ...(all.length > 0 ? [der(0xa3, seq(...all.map(([id, value]) => seq(oid(id), der(4, value)))))] : []),
  );
  return seq(tbs, signed, der(3, Buffer.from([0]), signBy(hash, tbs, issuer.key.privateKey)));
}

export const pem = (bytes) => `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/(.{64})/g, '$1\n').replace(/\n$/, '')}\n-----END CERTIFICATE-----\n`;

// ── Keys ──

const CURVES = { ES256: ['P-256', 1, 'sha256'], ES384: ['P-384', 2, 'sha384'], ES512: ['P-521', 3, 'sha512'] };
const ALGORITHMS = { ES256: -7, EdDSA: -8, ES384: -35, ES512: -36, PS256: -37, PS384: -38, PS512: -39, RS256: -257, RS384: -258, RS512: -259, RS1: -65535 };
const hashOf = (alg) => (alg === 'RS1' ? 'sha1' : `sha${alg.slice(2)}`);

export function keyPair(alg) {
  if (CURVES[alg]) return generateKeyPairSync('ec', { namedCurve: CURVES[alg][0] });
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

export function coseOf({ publicKey }, alg) {
  const jwk = publicKey.export({ format: 'jwk' });
  const bytes = (text) => Buffer.from(text, 'base64url');
  const number = ALGORITHMS[alg];
  if (CURVES[alg]) return new Map([[1, 2], [3, number], [-1, CURVES[alg][1]], [-2, bytes(jwk.x)], [-3, bytes(jwk.y)]]);
  if (alg === 'EdDSA') return new Map([[1, 1], [3, number], [-1, 6], [-2, bytes(jwk.x)]]);
  return new Map([[1, 3], [3, number], [-1, bytes(jwk.n)], [-2, bytes(jwk.e)]]);
}

export function signWith({ privateKey }, alg, data, hash) {
  if (alg === 'EdDSA') return signBy(null, data, privateKey);
  const padding = alg.startsWith('PS') ? { padding: 6, saltLength: Number(alg.slice(2)) / 8 } : {};
  return signBy(hash ?? hashOf(alg), data, { key: privateKey, ...padding });
}

// ── Attestations ──

const AUTHORITY = { subject: { C: 'SE', O: 'Tests', CN: 'Tests Root' }, key: keyPair('ES256') };
export const ROOT = certificate({ ...AUTHORITY, ca: true });
const MIDDLE_AUTHORITY = { subject: { C: 'SE', O: 'Tests', CN: 'Tests Middle' }, key: keyPair('ES256') };
export const MIDDLE = certificate({ ...MIDDLE_AUTHORITY, issuer: AUTHORITY, ca: true });
const LEAF = { C: 'SE', O: 'Tests', OU: 'Authenticator Attestation', CN: 'Tests Key' };
const AAGUID_OID = '1.3.6.1.4.1.45724.1.1.4';
const leafKeys = new Map();
const leafKey = (alg) => leafKeys.get(alg) ?? leafKeys.set(alg, keyPair(alg)).get(alg);
const pointOf = (cose) => Buffer.concat([Buffer.from([4]), cose.get(-2), cose.get(-3) ?? Buffer.alloc(0)]);

const TPM_SAN = der(0xa4, name([['2.23.133.2.1', 'id:FFFFF1D0'], ['2.23.133.2.2', 'Model'], ['2.23.133.2.3', 'id:13']]));

/** Each makes the statement of its format: `(what) => [fmt, attStmt]`. `change` makes other certificates. */
const STATEMENTS = {
  none: () => ['none', {}],
  'packed-self': ({ key, alg, signed, stated = ALGORITHMS[alg] }) => ['packed', { alg: stated, sig: signWith(key, alg, signed) }],
  packed({ aaguid, signed, change, by = 'ES256' }) {
    const key = leafKey(by);
    const leaf = certificate({ subject: LEAF, key, issuer: AUTHORITY, extensions: [[AAGUID_OID, der(4, aaguid)], ['2.5.29.19', seq()]], ...change });
    return ['packed', { alg: ALGORITHMS[by], sig: signWith(key, by, signed), x5c: [leaf, MIDDLE] }];
  },
  'fido-u2f'({ rpIdHash, clientDataHash, id, cose, change }) {
    const key = leafKey('ES256');
    const leaf = certificate({ subject: { CN: 'U2F' }, key, issuer: AUTHORITY, ...change });
    const signed = Buffer.concat([Buffer.from([0]), rpIdHash, clientDataHash, id, pointOf(cose)]);
    return ['fido-u2f', { sig: signWith(key, 'ES256', signed), x5c: [leaf] }];
  },
  tpm({ key, alg, cose, aaguid, signed, change, by = 'RS256' }) {
    const jwk = key.publicKey.export({ format: 'jwk' });
    const sized = (bytes) => Buffer.concat([u16(bytes.length), bytes]);
    const head = (type) => Buffer.concat([u16(type), u16(0x0b), u32(0x60472), sized(Buffer.alloc(32, 7))]);
    const pubArea = CURVES[alg]
      ? Buffer.concat([head(0x23), u16(0x10), u16(0x10), u16(CURVES[alg][1] + 2), u16(0x10), sized(cose.get(-2)), sized(cose.get(-3))])
      : Buffer.concat([head(1), u16(0x10), u16(0x14), u16(2048), u32(0), sized(Buffer.from(jwk.n, 'base64url'))]);
    const attested = Buffer.concat([u16(0x0b), sha256(pubArea)]);
    const extra = createHash(hashOf(by)).update(signed).digest();
    const certInfo = Buffer.concat([u32(0xff544347), u16(0x8017), sized(Buffer.alloc(34)), sized(extra), Buffer.alloc(8), u32(1), u32(2), Buffer.from([1]), Buffer.alloc(8), sized(attested), sized(Buffer.alloc(34))]);
    const aik = leafKey(by);
    const extensions = [['2.5.29.17', seq(TPM_SAN)], ['2.5.29.37', seq(oid('2.23.133.8.3'))], [AAGUID_OID, der(4, aaguid)], ['2.5.29.19', seq()]];
    const rsaRoot = leafKey('RS256');
    const issuer = by.startsWith('RS') ? { subject: { CN: 'TPM Root' }, key: rsaRoot } : AUTHORITY;
    const leaf = certificate({ subject: {}, key: aik, issuer, extensions, ...change });
    return ['tpm', { ver: '2.0', alg: ALGORITHMS[by], x5c: [leaf, MIDDLE], sig: signWith(aik, by, certInfo), certInfo, pubArea }];
  },
  apple({ key, signed, change }) {
    const extension = ['1.2.840.113635.100.8.2', seq(der(0xa1, der(4, sha256(signed))))];
    const leaf = certificate({ subject: { CN: 'Apple' }, key, issuer: MIDDLE_AUTHORITY, extensions: [extension], ...change });
    return ['apple', { x5c: [leaf, MIDDLE] }];
  },
  'android-key'({ key, alg, clientDataHash, signed, change, forAll = false }) {
    const all = forAll ? [der(0xbf8458, der(5))] : [];
    const description = seq(integer([3]), der(10, Buffer.from([1])), integer([4]), der(10, Buffer.from([1])), der(4, clientDataHash), der(4), seq(...all), seq(der(0xa1, der(0x31, integer([2]))), der(0xa2, integer([3]))));
    const leaf = certificate({ subject: { CN: 'Android' }, key, issuer: MIDDLE_AUTHORITY, extensions: [['1.3.6.1.4.1.11129.2.1.17', description]], ...change });
    return ['android-key', { alg: ALGORITHMS[alg], sig: signWith(key, alg, signed), x5c: [leaf, MIDDLE, ROOT] }];
  },
};
export const FORMATS = Object.keys(STATEMENTS);

// ── The authenticator ──

export const UP = 1, UV = 4, BE = 8, BS = 16, AT = 64, ED = 128;

/** A credential of an authenticator. Its counter goes up with each use, unless it has none. */
export class Passkey {
  constructor({ alg = 'ES256', id = randomBytes(16), aaguid = Buffer.alloc(16), rpId = 'localhost', origin = 'http://localhost:3000', counter = 0, key = keyPair(alg), ...rest } = {}) {
    Object.assign(this, { alg, id, aaguid, rpId, origin, counter, key, cose: coseOf(key, alg), transports: ['internal', 'hybrid'], ...rest });
  }

  get credentialId() {
    return b64(this.id);
  }

  get publicKey() {
    return cbor(this.cose).toString('base64');
  }

  #clientData(type, challenge, more) {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false, ...more }));
  }

  #authData(flags, counter, extensions, attested = Buffer.alloc(0), rpId = this.rpId) {
    return Buffer.concat([sha256(rpId), Buffer.from([flags | (extensions ? ED : 0)]), u32(counter), attested, ...(extensions ? [cbor(extensions)] : [])]);
  }

  /** The parts of a registration, before they are put together: for tests that change some. */
  create(challenge, { format = 'none', flags = UP | UV, clientData: more, extensions, aaguid = this.aaguid, change, counter = this.counter, cose = this.cose, rpId, ...rest } = {}) {
    const clientData = this.#clientData('webauthn.create', challenge, more);
    const attested = Buffer.concat([aaguid, u16(this.id.length), this.id, cose instanceof Map ? cbor(cose) : cose]);
    const authData = this.#authData(flags | AT, counter, extensions, attested, rpId);
    const clientDataHash = sha256(clientData);
    const signed = Buffer.concat([authData, clientDataHash]);
    const what = { key: this.key, alg: this.alg, cose: this.cose, id: this.id, aaguid, clientDataHash, rpIdHash: sha256(rpId ?? this.rpId), signed, change, ...rest };
    const [fmt, attStmt] = STATEMENTS[format](what);
    return { clientData, authData, fmt, attStmt };
  }

  /** `RegistrationResponseJSON`. */
  register(challenge, options) {
    return this.assemble(this.create(challenge, options));
  }

  assemble({ clientData, authData, fmt, attStmt, object = cbor({ fmt, attStmt, authData }) }) {
    return {
      id: this.credentialId,
      rawId: this.credentialId,
      response: { clientDataJSON: b64(clientData), attestationObject: b64(object), transports: this.transports },
      type: 'public-key',
      clientExtensionResults: {},
      authenticatorAttachment: 'platform',
    };
  }

  /** `AuthenticationResponseJSON`. */
  authenticate(challenge, { flags = UP | UV, clientData: more, extensions, userHandle, counter = this.counter && ++this.counter, alg = this.alg, rpId, hash, key = this.key } = {}) {
    const clientData = this.#clientData('webauthn.get', challenge, more);
    const authData = this.#authData(flags, counter, extensions, undefined, rpId);
    const signature = signWith(key, alg, Buffer.concat([authData, sha256(clientData)]), hash);
    return {
      id: this.credentialId,
      rawId: this.credentialId,
      response: { clientDataJSON: b64(clientData), authenticatorData: b64(authData), signature: b64(signature), ...(userHandle === undefined ? {} : { userHandle }) },
      type: 'public-key',
      clientExtensionResults: {},
      authenticatorAttachment: 'platform',
    };
  }
}
export { b64, createPrivateKey, createPublicKey };
