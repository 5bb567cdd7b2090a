// Better Auth's own client, and errors as pages show them.

import { createAuthClient } from 'better-auth/client';
import { organizationClient, twoFactorClient } from 'better-auth/client/plugins';

export const client = createAuthClient({ plugins: [organizationClient(), twoFactorClient()] });

/** What a page shows of something that failed. `code` is Better Auth's or PostgREST's. */
export class Failure extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

const UNREACHABLE = 'The server can’t be reached. Check your connection and try again.';
const BROKEN = 'Something went wrong on the server. Try again in a while.';

/** The data that Better Auth's or PostgREST's client answered, or an exception of what a page can show. */
export async function dataOf(asked) {
  let answer;
  try {
    answer = await asked;
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(UNREACHABLE);
  }
  if (!answer.error) return answer.data;
  throw failureOf(answer.error, answer.status ?? answer.error.status);
}

export function failureOf({ message, code }, status) {
  if (!status) return new Failure(UNREACHABLE);
  if (status >= 500 || !message) return new Failure(BROKEN);
  return new Failure(/[.!?]$/.test(message) ? message : `${message}.`, code);
}
