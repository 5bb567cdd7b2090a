// The same requests to the real Better Auth and to `better_auth.handler`: same answers to the byte, same headers
// and cookies, same mails, same rows. The requests are in requests/.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare, open } from './differential.mjs';
import { AGAINST_ITSELF, Client, POST, TOKEN, cookieOf, playBoth } from './http.mjs';
import { DIFFERENCES } from './lib.mjs';
import { mutants } from './mutants.mjs';
import GROUPS from './requests/index.mjs';

await compare(GROUPS);

test(DIFFERENCES.floor, { skip: AGAINST_ITSELF }, async () => {
  const step = POST('/send-verification-email', { email: 'nobody@example.com' });
  // The fastest of three: a busy machine makes any one slow.
  const fastest = async (side) => {
    let least = Infinity;
    for (let time = 0; time < 3; time++) {
      const start = performance.now();
      await new Client().ask(side, step);
      least = Math.min(least, performance.now() - start);
    }
    return least;
  };
  const times = await Promise.all((await open({})).map(fastest));
  assert.ok(times[0] >= 499 && times[1] < 400, `${times}`);
});

describe('mutated requests', () => {
  let sides;
  for (let seed = 101; seed <= 120; seed++) {
    test(`seed ${seed}`, async () => {
      sides ??= await open({});
      const [theirs, mine] = [[], []];
      for (const sent of mutants(seed, 30, cookieOf(TOKEN.ada))) {
        if (!isSendable(sent)) continue;
        const { url, method, headers, body } = sent;
        const step = { url, method, headers: { origin: null, ...headers }, raw: body ?? undefined };
        const [their, our] = await playBoth(sides, [step]);
        if (their.answers[0].status === 500) continue;
        theirs.push({ sent, ...their });
        mine.push({ sent, ...our });
      }
      assert.deepEqual(mine, theirs);
    });
  }
});

/** Whether HTTP has such a request, and no difference is known of it. */
function isSendable({ method, url, headers, body }) {
  try {
    const { protocol } = new URL(new Request(url, { method, headers, body }).url);
    return /^https?:$/.test(protocol) && !/update-user|insforge-token/.test(url);
  } catch {
    return false;
  }
}
