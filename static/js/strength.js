/** A new password's strength in words; the server has the last one. */

import { find } from './forms.js';

/** @param {string} password @param {number} least @param {string} email */
export function judge(password, least, email) {
  const length = [...password].length;
  const different = new Set(password.toLowerCase()).size;
  const name = email.replace(/@.*/, '').toLowerCase();
  if (!length) return '';
  if (length < least) return `Too short: ${length} of at least ${least} characters.`;
  if (different < 6) return 'Weak: the same few characters repeat.';
  if (name.length > 3 && password.toLowerCase().includes(name)) return 'Weak: your e-mail address is in it.';
  if (/^(.{1,8})\1+$/u.test(password)) return 'Weak: one piece is repeated.';
  if (/0?123456|abcdef|qwert|password/i.test(password)) return 'Weak: it holds one of the first things people try.';
  return length >= least + 6 && different > 9 ? 'Strong: long, and hard to guess.' : 'Good: long enough. Longer is stronger.';
}

/** Four words that mean nothing: 64 random bits, easy to read out. */
export function suggest() {
  const hard = (/** @type {number} */ bits) => 'bdfghjklmnprstvz'.charAt(bits & 15);
  const soft = (/** @type {number} */ bits) => 'aeio'.charAt(bits & 3);
  return [...crypto.getRandomValues(new Uint16Array(4))]
    .map((bits) => hard(bits) + soft(bits >> 4) + hard(bits >> 6) + soft(bits >> 10) + hard(bits >> 12))
    .join('-');
}

/** @param {HTMLFormElement} form whose new password has `data-least` */
export function advise(form) {
  const field = /** @type {HTMLInputElement} */ (find('[data-least]', form));
  const name = /** @type {HTMLInputElement} */ (find('[autocomplete=username]', form));
  const said = find('.strength', form);
  const button = find('.suggest', form);
  const say = () => {
    said.textContent = judge(field.value, Number(field.dataset.least), name.value);
    said.dataset.level = said.textContent.replace(/:.*/, '').toLowerCase();
  };
  field.addEventListener('input', say);
  button.hidden = false;
  button.addEventListener('click', () => {
    field.value = suggest();
    say();
    if (field.type === 'password') find('.peek', form.querySelector('.secret:has([data-least])') ?? form).click();
    field.focus();
  });
}
