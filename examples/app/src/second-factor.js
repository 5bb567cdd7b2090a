// The second factor of whom the page is for: set up with an authenticator app, and given up.

import { client, dataOf } from './auth.js';
import { FieldError, onSubmit } from './form.js';
import { say } from './messages.js';

const section = () => document.querySelector('#second-factor');

/** Has the forms of the section do something; `show()` says what there is now. */
export function watchSecondFactor() {
  const [begin, finish, end] = ['begin', 'finish', 'end'].map((name) => section().querySelector(`form[name=${name}]`));
  onSubmit(begin, async ({ password }) => {
    const { totpURI, backupCodes } = await byPassword(client.twoFactor.enable({ password }));
    begin.reset();
    const secret = new URL(totpURI).searchParams.get('secret');
    finish.querySelector('a').href = totpURI;
    finish.querySelector('code').textContent = secret.match(/.{1,4}/g).join(' ');
    finish.querySelector('ul').replaceChildren(...backupCodes.map(item));
    begin.hidden = true;
    finish.hidden = false;
    finish.elements.code.focus();
  });
  onSubmit(finish, async ({ code }) => {
    try {
      await dataOf(client.twoFactor.verifyTotp({ code: code.trim() }));
    } catch (error) {
      throw error.code === 'INVALID_CODE' ? new FieldError('code', 'That is not the code of this secret now.') : error;
    }
    finish.reset();
    finish.querySelector('code').textContent = '';
    finish.querySelector('ul').replaceChildren();
    finish.hidden = true;
    say('Your second factor is set up.');
  });
  onSubmit(end, async ({ password }) => {
    await byPassword(client.twoFactor.disable({ password }));
    end.reset();
    say('You have no second factor any more.');
  });
}

/** Shows what there is to do. What is being set up stays. */
export function showSecondFactor({ twoFactorEnabled }) {
  const [begin, finish, end] = ['begin', 'finish', 'end'].map((name) => section().querySelector(`form[name=${name}]`));
  section().querySelector('.badge').hidden = !twoFactorEnabled;
  end.hidden = !twoFactorEnabled;
  begin.hidden = twoFactorEnabled || !finish.hidden;
}

async function byPassword(asked) {
  try {
    return await dataOf(asked);
  } catch (error) {
    throw error.code === 'INVALID_PASSWORD' ? new FieldError('password', 'That is not your password.') : error;
  }
}

function item(text) {
  const one = document.createElement('li');
  one.textContent = text;
  return one;
}
