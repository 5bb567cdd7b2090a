// What services answer in the differential tests: one function, to both sides. Whatever a side asks outside stands
// among the headers of its answer, so it is compared too.
//
// A group's `outside` is a function of `{method, url, headers, body}`, headers a Headers; it gives `{status, body, type}`,
// or nothing where the service can't be reached.

import { AsyncLocalStorage } from 'node:async_hooks';

const asking = new AsyncLocalStorage();
const inside = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const now = asking.getStore();
  if (!now) return inside(input, init);
  const request = new Request(input, init);
  const { method, url, headers } = request;
  const answer = ask(now, { method, url, headers, body: (await request.text()) || null });
  if (!answer) throw new TypeError('fetch failed');
  const { status = 200, body, type = 'application/json' } = answer;
  return new Response(body, { status, headers: type ? { 'content-type': type } : {} });
};

function ask({ answers, asked }, request) {
  // What an HTTP client adds by itself.
  const headers = [...request.headers].filter(([name]) => !/^(accept|accept-encoding|content-length)$/.test(name));
  asked.push({ ...request, headers });
  return answers(request);
}

/** A side whose requests get these answers from outside. */
export function reaching(side, answers) {
  return {
    ...side,
    async fetch(request) {
      const asked = [];
      const answer = await asking.run({ answers, asked }, () => side.fetch(request));
      return { ...answer, headers: [...answer.headers, ...asked.map((one) => ['asked', JSON.stringify(one)])] };
    },
  };
}

/** Our database, for whose handler() somebody fetches. */
export function fetching(database) {
  const value = async (sql, [request]) => {
    const now = asking.getStore();
    let response = await database.value(sql, [JSON.stringify({ ...JSON.parse(request), fetch: true })]);
    while (response.fetch) {
      const { method, url, headers, body } = response.fetch;
      const { status = 200, body: text, error } = ask(now, { method, url, headers: new Headers(headers), body }) ?? { error: 'unreachable' };
      const fetched = error ? { error } : { status, headers: {}, body: text };
      response = await database.value('SELECT better_auth.resume($1, $2)', [response.resume, JSON.stringify(fetched)]);
    }
    return response;
  };
  return Object.assign(Object.create(database), { value });
}
