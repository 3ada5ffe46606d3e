/** Starts what the page at hand needs. */

import { find, onFilled } from './forms.js';
import { login, register } from './session.js';
import { enter, show, start } from './shell.js';

const door = find('form[data-form]');
if (door) {
  onFilled(door, async ({ email, password, remember, next }) => {
    const isNew = door.dataset.form === 'register';
    if (isNew) await register({ email, password });
    await login({ email, password, remember: !!remember }).catch((error) => {
      if (isNew) location.assign('/login');
      else if (error.status) find('#password').value = '';
      throw error;
    });
    // Only a path of this site, in printable ASCII without backslashes.
    await enter(/^\/(?!\/)[!-[\]-~]*$/.test(next) ? next : '/account');
  });
}
if (find('#content')) {
  start();
  show();
}
