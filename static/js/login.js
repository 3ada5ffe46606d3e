/** Log in and register without leaving the page, so that the token stays. */

import { find, faultsOf, onSubmit } from './forms.js';
import { login } from './session.js';
import { enter } from './shell.js';
import { advise } from './strength.js';

/** @param {string} [next] @returns {string} a path of this site, whatever was asked for */
export function safePath(next = '') {
  if (!/^\/(?!\/)[^\\\p{Cc}]*$/u.test(next)) return '/account';
  const url = new URL(next, location.origin);
  return url.origin === location.origin ? url.pathname + url.search + url.hash : '/account';
}

/** @param {Record<string, any>} data */
const check = ({ email, password }) => [
  ...(/^\S+@\S+$/.test(email.trim()) ? [] : [{ field: 'email', text: email.trim() ? 'Enter an e-mail address like name@example.com.' : 'Enter your e-mail address.' }]),
  ...(password ? [] : [{ field: 'password', text: 'Enter your password.' }]),
];

/** @param {Record<string, any>} data */
async function logIn({ email, password, remember, next }) {
  await login({ email: email.trim(), password, remember: Boolean(remember) });
  await enter(safePath(next));
}

/** @param {HTMLFormElement} form */
export function startLogin(form) {
  onSubmit(form, check, logIn, (error) => {
    const password = /** @type {HTMLInputElement} */ (find('#password'));
    if (error.status) password.value = '';
    return faultsOf(error);
  });
}

/** @param {HTMLFormElement} form */
export function startRegister(form) {
  advise(form);
  onSubmit(form, check, async (data) => {
    const body = JSON.stringify({ email: data.email.trim(), password: data.password });
    const response = await fetch('/auth/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body, cache: 'no-store' })
      .catch(() => { throw new Error('The server could not be reached. Nothing was registered.'); });
    const answer = await response.json().catch(() => ({ detail: 'Something went wrong. Try again.' }));
    if (!response.ok) throw answer;
    await logIn(data).catch(() => location.assign('/login'));
  }, newPasswordFaults('password'));
}

/**
 * The server's reasons against a new password, beside its field.
 * @param {string} field
 */
export const newPasswordFaults = (field) => (/** @type {any} */ error) => {
  if (error.code === 'weak_password') return [{ field, text: error.reasons?.map((/** @type {any} */ { detail }) => detail).join(' ') || error.detail }];
  if (error.code === 'email_taken') return [{ field: 'email', text: error.detail }];
  return faultsOf({ ...error, message: error.detail ?? error.message });
};
