/** Changing the password ends every other session and goes on in a new one. */

import { find, onSubmit } from './forms.js';
import { newPasswordFaults } from './login.js';
import { changePassword } from './session.js';
import { advise } from './strength.js';

/** @param {HTMLElement} root */
export function password(root) {
  const form = /** @type {HTMLFormElement} */ (find('form', root));
  const explain = newPasswordFaults('new_password');
  advise(form);
  onSubmit(
    form,
    (data) => [
      ...(data.current_password ? [] : [{ field: 'current_password', text: 'Enter your current password.' }]),
      ...(data.new_password ? [] : [{ field: 'new_password', text: 'Enter a new password.' }]),
    ],
    async ({ current_password, new_password }) => {
      await changePassword({ current_password, new_password });
      form.hidden = true;
      const done = find('.done', root);
      done.hidden = false;
      done.focus();
    },
    (error) => (error.code === 'wrong_password' ? [{ field: 'current_password', text: error.message }] : explain(error)),
  );
}
