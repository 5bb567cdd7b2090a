import { client, dataOf } from '../auth.js';
import { FieldError, onSubmit } from '../form.js';
import { goOn, goToSignIn, keepNext, watchSession } from '../session.js';

/** A challenge that is gone, or has seen too many guesses: the password is asked for again. */
const OVER = ['INVALID_TWO_FACTOR_COOKIE', 'TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE'];

export function secondFactor() {
  keepNext();
  watchSession({ onUser: goOn });
  const form = document.querySelector('form');
  onSubmit(form, async ({ code, trustDevice }) => {
    // A backup code has a dash in it, which the codes of an app don't.
    const typed = code.trim();
    const verify = typed.includes('-') ? client.twoFactor.verifyBackupCode : client.twoFactor.verifyTotp;
    try {
      await dataOf(verify({ code: typed, trustDevice }));
    } catch (error) {
      if (OVER.includes(error.code)) return goToSignIn('again');
      form.elements.code.select();
      throw error.code?.startsWith('INVALID_') ? new FieldError('code', 'That is none of your codes now. Each is good once.') : error;
    }
    goOn();
  });
}
