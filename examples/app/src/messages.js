// Messages that lie over the page, so that nothing moves: what was done, and what failed.

const alert = document.querySelector('#alert');
const notice = document.querySelector('#notice');
let timer;

/** Says what was done, to eyes and screen readers. */
export function say(text) {
  notice.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { notice.textContent = ''; }, 8_000);
}

/** Does what a button asks for, and shows what fails until the next attempt. */
export async function attempt(work) {
  alert.textContent = '';
  try {
    await work();
  } catch (error) {
    alert.textContent = error.message;
  }
}
