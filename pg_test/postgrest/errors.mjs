// What PostgREST answers when it refuses, and the status that it makes of an SQLSTATE.

/** An answer of PostgREST's own. */
export class Refusal extends Error {
  constructor(status, code, message, { headers = [], details = null, hint = null } = {}) {
    super(message);
    Object.assign(this, { status, headers, body: { code, message, details, hint } });
  }
}

/** What the web server says of an error that PostgREST has not thought of, such as bytes that are no UTF-8. */
export class Crash extends Error {}

/** For what PostgREST can do and the stand-in can't. */
export const unknown = (what) => new Refusal(501, 'STAND_IN', `the stand-in doesn't know ${what}`);

/** Statuses, and the SQLSTATEs and classes of SQLSTATEs that they stand for; all others are 400. */
const STATES = {
  403: ['0L', '0P', '28'],
  404: ['42883', '42P01'],
  405: ['25006'],
  409: ['23503', '23505'],
  500: ['09', '21000', '25', '2D', '38', '39', '3B', '40', '42P17', '53400', '54', '55', '57', '58', 'F0', 'HV', 'P0', 'XX'],
  503: ['08', '53', '57P01'],
};

function statusOf({ code, message }, isAnonymous) {
  // Any number, whether HTTP has it or not.
  if (code.startsWith('PT')) return /^\d{3}$/.test(code.slice(2)) ? Number(code.slice(2)) : 500;
  if (code === '42501') return isAnonymous ? 401 : 403;
  if (code === '22023' && /^role .* does not exist$/.test(message)) return 401;
  if (code === 'P0001') return 400;
  const listed = (state) => Object.keys(STATES).find((status) => STATES[status].includes(state));
  return Number(listed(code) ?? listed(code.slice(0, 2)) ?? 400);
}

/** The answer to an error of PostgreSQL, which may be one that a function has raised to shape the answer itself. */
export function answerOf(error, isAnonymous) {
  const { code, message, detail: details = null, hint = null } = error;
  if (code === 'PGRST') return raised(message, details);
  const status = statusOf(error, isAnonymous);
  const headers = status === 401 ? [['WWW-Authenticate', 'Bearer']] : [];
  return { status, headers, body: { code, message, details, hint } };
}

/** RAISE SQLSTATE 'PGRST': the answer's body is in the message, its status and headers are in the detail. */
function raised(message, detail) {
  try {
    const { code, message: text, details = null, hint = null } = JSON.parse(message);
    const { status, headers } = JSON.parse(detail);
    return { status, headers: Object.entries(headers), body: { code, message: text, details, hint } };
  } catch {
    const text = `Could not parse JSON in the "RAISE SQLSTATE 'PGRST'" error`;
    return { status: 500, headers: [], body: { code: 'PGRST121', message: text, details: null, hint: null } };
  }
}
