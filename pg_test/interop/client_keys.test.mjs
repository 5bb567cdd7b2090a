// What the extension signs to say who it is at a token endpoint, with the server's clock and randomness: Apple's client
// secret, which the provider of the tests verifies, and assertions (RFC 7523), which jose does.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { AGAINST_ITSELF, ourDatabase, ourSide, play } from './http.mjs';
import { BASE_URL } from './lib.mjs';
import { CLIENT, ISSUER } from './provider.mjs';
import { CUSTOMER_P8, CUSTOMER_TEAM } from './provider/keys.mjs';
import { signIn } from './requests/social/common.mjs';
import { DISCOVERY, has, reaching, tells } from './social.mjs';

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

if (!AGAINST_ITSELF) {
  const database = await ourDatabase();
  await database.configure({ base_url: BASE_URL, rate_limit: 'off' });
  const run = async (providers, ...steps) => {
    const [side] = await reaching(providers, () => ({}), [database, ourSide]);
    return { side, ...(await play(side, steps.flat(Infinity))) };
  };
  const last = ({ answers }) => {
    const { status, headers } = answers.at(-1);
    return [status, headers.find((header) => header.startsWith('location: '))];
  };

  describe('Apple’s client secret', () => {
    const key = { clientSecret: null, teamId: CUSTOMER_TEAM, ...CUSTOMER_P8 };

    test('is made of the team’s key, anew each time', async () => {
      const { side, ...ran } = await run({ apple: key }, signIn('apple'), signIn('apple'));
      assert.deepEqual(last(ran), [302, 'location: /welcome']);
      const secrets = side.provider.asked.filter(({ endpoint }) => endpoint === 'token').map(({ form }) => form.client_secret);
      assert.equal(secrets.length, 2);
      assert.deepEqual(decodeProtectedHeader(secrets[0]), { alg: 'ES256', kid: CUSTOMER_P8.keyId });
    });

    test('of another team isn’t taken', async () => {
      assert.deepEqual(last(await run({ apple: { ...key, teamId: 'TEAM000002' } }, signIn('apple'))), [302, 'location: /oops?error=invalid_code']);
    });

    test('needs all three options', async () => {
      await assert.rejects(run({ apple: { ...key, keyId: undefined } }), /"apple" needs a client secret/);
      await assert.rejects(run({ apple: { ...key, clientSecret: 's', privateKey: 'none' } }), /"apple" needs a private key of P-256/);
    });
  });

  describe('an assertion in place of a secret', () => {
    for (const [alg, form] of [['ES256', 'jwk'], ['RS256', 'pem'], ['PS256', 'jwk'], ['EdDSA', 'pem']]) {
      test(`is signed by ${alg}, with a key as ${form}`, async () => {
        const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
        const key = form === 'jwk' ? { privateKeyJwk: { ...(await exportJWK(privateKey)), kid: 'mine', alg } } : { privateKeyPem: await exportPKCS8(privateKey), kid: 'mine', algorithm: alg };
        const example = { discoveryUrl: DISCOVERY, scopes: ['email', 'profile'], clientSecret: null, tokenEndpointAuth: { method: 'private_key_jwt', ...key } };
        // Without the nonce nobody is signed in; the request is what counts.
        let right;
        const idToken = has((provider) => provider.mint('example', {}).then((token) => { right = token; }));
        const answers = tells('token', (_, { form }) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ access_token: 'a', id_token: right, seen: form }) }));
        const { side } = await run({ example }, idToken, answers, signIn('example'), signIn('example'));
        const forms = side.provider.asked.filter(({ endpoint }) => endpoint === 'token').map(({ form }) => form);
        assert.equal(forms.length, 2);
        const ids = await Promise.all(
          forms.map(async ({ client_id, client_secret, client_assertion, client_assertion_type }) => {
            assert.deepEqual([client_id, client_secret, client_assertion_type], [CLIENT.id, undefined, ASSERTION]);
            const { payload, protectedHeader } = await jwtVerify(client_assertion, publicKey, { issuer: CLIENT.id, subject: CLIENT.id, audience: `${ISSUER}/token`, maxTokenAge: 60 });
            assert.deepEqual([protectedHeader, payload.exp - payload.iat], [{ alg, typ: 'JWT', kid: 'mine' }, 120]);
            return payload.jti;
          }),
        );
        assert.notEqual(ids[0], ids[1]);
      });
    }
  });
}
