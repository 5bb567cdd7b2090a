// The keys that the provider of the tests signs with, those that it doesn't, and tokens of all kinds.

import { createHmac, createPublicKey } from 'node:crypto';
import { SignJWT, exportJWK, exportPKCS8, exportSPKI, generateKeyPair } from 'jose';

export const ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'PS256'];
const GENERATIONS = 2;

/** A pair of keys, and the public one as a JSON Web Key Set has it. */
async function pair(alg, kid) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, pem: await exportSPKI(publicKey), jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg } };
}

/** By algorithm and generation; the same for all providers of a process, as both sides of a comparison have one. */
const KEYS = Object.fromEntries(
  await Promise.all(ALGORITHMS.map(async (alg) => [alg, await Promise.all(Array.from({ length: GENERATIONS }, (_, index) => pair(alg, `${alg}-${index + 1}`)))])),
);
/** Somebody else's, which calls itself by the name of another. */
const STRANGER = Object.fromEntries(await Promise.all(ALGORITHMS.map(async (alg) => [alg, await pair(alg, 'stranger')])));
/** Apple's customer's, of whom client secrets are. */
const CUSTOMER = await pair('ES256', 'CUSTOMER01');

/** Public keys of one generation, or of both while one takes the place of the other. */
export const keySet = (generations) => ({ keys: generations.flatMap((generation) => ALGORITHMS.map((alg) => KEYS[alg][generation].jwk)) });

/** All public keys that there are, by `kid`. */
export const publicKeys = () => new Map(Object.values(KEYS).flat().map(({ kid, jwk }) => [kid, jwk]));

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Signs claims. `alg` may be `none`, or `HS256`: then it is signed with the text of the public key. `by` is `stranger` for a
 * key that the provider hasn't, under the `kid` of one that it has; `kid` is what the header says instead, null for none.
 */
export async function sign(claims, { alg = 'RS256', generation = 0, by, kid } = {}) {
  const known = KEYS[alg] ?? KEYS.RS256;
  const header = { alg, typ: 'JWT', ...(kid !== null && { kid: kid ?? known[generation].kid }) };
  if (alg === 'none') return `${part(header)}.${part(claims)}.`;
  if (alg === 'HS256') {
    const signed = `${part(header)}.${part(claims)}`;
    return `${signed}.${createHmac('sha256', known[generation].pem).update(signed).digest('base64url')}`;
  }
  const { privateKey } = by === 'stranger' ? STRANGER[alg] : known[generation];
  return new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
}

const TEAM = 'TEAM000001';
/** Apple's customer's client secret: `exp` is in seconds from now. */
export const appleSecret = (clientId, { expires = 86_400, by = CUSTOMER, ...claims } = {}) =>
  new SignJWT({ iss: TEAM, aud: 'https://appleid.apple.com', sub: clientId, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: by.kid })
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + expires)
    .sign(by.privateKey);

export const CUSTOMER_KEY = createPublicKey(CUSTOMER.pem);
export const CUSTOMER_TEAM = TEAM;
/** The customer's key itself, as Apple gives it away in a .p8 file. */
export const CUSTOMER_P8 = { keyId: CUSTOMER.kid, privateKey: await exportPKCS8(CUSTOMER.privateKey) };
