import { client, dataOf } from '../auth.js';
import { FieldError, onSubmit } from '../form.js';
import { goOn, keepNext, watchSession } from '../session.js';

const FIELDS = {
  INVALID_EMAIL: 'email',
  USER_ALREADY_EXISTS: 'email',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: 'email',
  PASSWORD_TOO_SHORT: 'password',
  PASSWORD_TOO_LONG: 'password',
};

export function signUp() {
  keepNext();
  watchSession({ onUser: goOn });
  onSubmit(document.querySelector('form'), async ({ name, email, password }) => {
    try {
      await dataOf(client.signUp.email({ name, email, password }));
    } catch (error) {
      throw error.code in FIELDS ? new FieldError(FIELDS[error.code], error.message) : error;
    }
    goOn();
  });
}
