/** The form that changes the password. */

import { find } from '../dom.js';
import { onFilled } from '../forms.js';
import { changePassword } from '../session.js';

/** @param {HTMLElement} root */
export default (root) => {
	const form = find('form', root);
	onFilled(form, async ({ current_password, new_password }) => {
		await changePassword({ current_password, new_password });
		const done = find('.done', root);
		form.hidden = true;
		done.hidden = false;
		done.focus();
	});
};
