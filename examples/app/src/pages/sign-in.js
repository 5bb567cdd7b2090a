import { client, dataOf } from '../auth.js';
import { onSubmit } from '../form.js';
import { attempt } from '../messages.js';
import { arePossible, signInByAutofill, signInByPasskey } from '../passkeys.js';
import { offerProviders } from '../providers.js';
import { goOn, keepNext, showReason, watchSession } from '../session.js';

export function signIn() {
  showReason();
  keepNext();
  watchSession({ onUser: goOn });
  const passkey = document.querySelector('#passkey');
  passkey.hidden = !arePossible();
  passkey.addEventListener('click', () => attempt(async () => {
    await signInByPasskey();
    goOn();
  }));
  attempt(async () => {
    await signInByAutofill();
    goOn();
  });
  offerProviders(document.querySelector('#providers'));
  const form = document.querySelector('form');
  onSubmit(form, async ({ email, password, rememberMe }) => {
    let answer;
    try {
      answer = await dataOf(client.signIn.email({ email, password, rememberMe }));
    } catch (error) {
      if (error.code === 'INVALID_EMAIL_OR_PASSWORD') form.elements.password.select();
      throw error;
    }
    if (answer.twoFactorRedirect) return location.replace(`/second-factor${location.search}`);
    goOn();
  });
}
