// What PostgREST answers when it refuses, and the status that it makes of an SQLSTATE.

/** An answer of PostgREST's own. */
export class Refusal extends Error {
  constructor(status, code, message, { headers = [], details = null, hint = null } = {}) {
    super(message);
    Object.assign(this, { status, headers, body: { code, message, details, hint } });
  }
}

/** For what PostgREST can do and the stand-in can't. */
export const unknown = (what) => new Refusal(501, 'STAND_IN', `the stand-in doesn't know ${what}`);

const STATUSES = { 21000: 500, 23503: 409, 23505: 409, 25006: 405, 42883: 404, '42P01': 404, '42P17': 500, 53400: 500, '57P01': 503, P0001: 400 };
const CLASSES = {
  '08': 503, '09': 500, '0L': 403, '0P': 403, 25: 500, 28: 403, '2D': 500, 38: 500, 39: 500, '3B': 500, 40: 500,
  53: 503, 54: 500, 55: 500, 57: 500, 58: 500, F0: 500, HV: 500, P0: 500, XX: 500,
};

function statusOf({ code, message }, isAnonymous) {
  if (/^PT[1-5]\d\d$/.test(code)) return Number(code.slice(2));
  if (code === '42501') return isAnonymous ? 401 : 403;
  if (code === '22023' && /^role .* does not exist$/.test(message)) return 401;
  return STATUSES[code] ?? CLASSES[code.slice(0, 2)] ?? 400;
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
    return { status: 500, headers: [], body: { code: 'PGRST121', message: `Could not parse JSON in the "RAISE SQLSTATE 'PGRST'" error`, details: null, hint: null } };
  }
}
